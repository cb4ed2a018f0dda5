# The event subscription, and what is asked before it is made.

mock_provider "azurerm" {
  mock_data "azurerm_key_vault_secrets" {
    defaults = {
      names = ["contoso-ispm-token", "ispm-onboarder-519aadd0-caeb-5ef8-b1b9-046051535bc3"]
    }
  }
}

mock_provider "azapi" {
  mock_data "azapi_resource" {
    defaults = {
      exists = true
    }
  }
}

variables {
  subscription_id            = "0b1f6471-1bf0-4dda-aec3-111122223333"
  tenant_ids                 = ["519aadd0-caeb-5ef8-b1b9-046051535bc3"]
  delivery                   = "function"
  function_app_id            = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.Web/sites/func-ispm-ab1cd"
  events_topic_id            = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.EventGrid/topics/evgt-ispm-events-ab1cd"
  data_storage_account_id    = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.Storage/storageAccounts/stispmdataab1cd"
  queue_name                 = "onboarding"
  dead_letter_container_name = "dead-letters"
  vault_id                   = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.KeyVault/vaults/kv-ispm-ab1cd"
}

run "events_call_the_function" {
  assert {
    condition = (
      azurerm_eventgrid_event_subscription.onboarding.scope == var.events_topic_id &&
      azurerm_eventgrid_event_subscription.onboarding.event_delivery_schema == "CloudEventSchemaV1_0" &&
      endswith(
        azurerm_eventgrid_event_subscription.onboarding.azure_function_endpoint[0].function_id,
        "/sites/func-ispm-ab1cd/functions/OnOnboardingEvent",
      ) &&
      azurerm_eventgrid_event_subscription.onboarding.azure_function_endpoint[0].max_events_per_batch == 1 &&
      length(azurerm_eventgrid_event_subscription.onboarding.storage_queue_endpoint) == 0 &&
      length(azurerm_eventgrid_event_subscription.onboarding.delivery_identity) == 0
    )
    error_message = "One event, one call of the function."
  }

  assert {
    condition = toset(azurerm_eventgrid_event_subscription.onboarding.included_event_types) == toset([
      "dev.ispm-onboarder.onboarding.requested.v1",
      "dev.ispm-onboarder.offboarding.requested.v1",
    ])
    error_message = "What the program answers, and nothing else."
  }

  assert {
    condition = (
      azurerm_eventgrid_event_subscription.onboarding.storage_blob_dead_letter_destination[0] == {
        storage_account_id          = var.data_storage_account_id
        storage_blob_container_name = "dead-letters"
      } &&
      azurerm_eventgrid_event_subscription.onboarding.dead_letter_identity[0].type == "SystemAssigned" &&
      azurerm_eventgrid_event_subscription.onboarding.retry_policy[0].max_delivery_attempts == 30 &&
      azurerm_eventgrid_event_subscription.onboarding.retry_policy[0].event_time_to_live == 1440
    )
    error_message = "What cannot be delivered for a day becomes a dead letter."
  }
}

run "events_go_to_the_queue" {
  variables {
    delivery = "queue"
  }

  assert {
    condition = (
      azurerm_eventgrid_event_subscription.onboarding.storage_queue_endpoint[0] == {
        storage_account_id                    = var.data_storage_account_id
        queue_name                            = "onboarding"
        queue_message_time_to_live_in_seconds = 604800
      } &&
      azurerm_eventgrid_event_subscription.onboarding.delivery_identity[0].type == "SystemAssigned" &&
      length(azurerm_eventgrid_event_subscription.onboarding.azure_function_endpoint) == 0
    )
    error_message = "The topic puts events into the queue, as itself."
  }

  assert {
    condition = contains(
      azurerm_eventgrid_event_subscription.onboarding.storage_blob_dead_letter_destination[*].storage_blob_container_name, "dead-letters"
    )
    error_message = "Dead letters here too."
  }

  assert {
    condition     = length(data.azapi_resource.function) == 0
    error_message = "The function need not be there: events wait in the queue."
  }
}

run "any_tenant_with_a_record" {
  command = plan

  variables {
    tenant_ids = []
  }

  assert {
    condition     = length(data.azurerm_key_vault_secrets.this) == 1
    error_message = "The vault was asked, and has a record."
  }
}

run "the_vault_may_not_be_asked" {
  command = plan

  variables {
    tenant_ids           = ["8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
    check_tenant_records = false
  }

  assert {
    condition     = length(data.azurerm_key_vault_secrets.this) == 0
    error_message = "The vault is not asked."
  }
}

run "a_tenant_is_spelt_in_capitals" {
  command = plan

  variables {
    tenant_ids = ["519AADD0-CAEB-5EF8-B1B9-046051535BC3"]
  }

  assert {
    condition     = local.record_names == ["ispm-onboarder-519aadd0-caeb-5ef8-b1b9-046051535bc3"]
    error_message = "Records are named in lower case."
  }
}
