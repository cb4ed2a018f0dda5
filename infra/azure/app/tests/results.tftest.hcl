# Results are kept from the start, and nothing is lost on the way.

mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

mock_provider "random" {
  source = "./tests/mocks/random"
}

variables {
  subscription_id = "0b1f6471-1bf0-4dda-aec3-111122223333"
  location        = "westeurope"
}

run "results_are_kept" {
  assert {
    condition = (
      azurerm_eventgrid_event_subscription.results.scope == azurerm_eventgrid_topic.results.id &&
      azurerm_eventgrid_event_subscription.results.event_delivery_schema == "CloudEventSchemaV1_0" &&
      azurerm_eventgrid_event_subscription.results.storage_queue_endpoint[0].storage_account_id == azurerm_storage_account.data.id &&
      azurerm_eventgrid_event_subscription.results.storage_queue_endpoint[0].queue_name == "results" &&
      azurerm_eventgrid_event_subscription.results.storage_queue_endpoint[0].queue_message_time_to_live_in_seconds == 2592000
    )
    error_message = "Every result goes to the queue, and stays for 30 days."
  }

  assert {
    condition = (
      azurerm_eventgrid_event_subscription.results.storage_blob_dead_letter_destination[0] == {
        storage_account_id          = azurerm_storage_account.data.id
        storage_blob_container_name = "dead-letters"
      } &&
      azurerm_eventgrid_event_subscription.results.retry_policy[0].max_delivery_attempts == 30 &&
      azurerm_eventgrid_event_subscription.results.retry_policy[0].event_time_to_live == 1440
    )
    error_message = "What cannot be delivered for a day becomes a dead letter."
  }

  assert {
    condition = (
      azurerm_eventgrid_event_subscription.results.delivery_identity[0].type == "SystemAssigned" &&
      azurerm_eventgrid_event_subscription.results.dead_letter_identity[0].type == "SystemAssigned"
    )
    error_message = "Event Grid delivers as the topic, without a key."
  }
}

run "as_long_as_asked" {
  variables {
    results_retention_days = 1
  }

  assert {
    condition     = azurerm_eventgrid_event_subscription.results.storage_queue_endpoint[0].queue_message_time_to_live_in_seconds == 86400
    error_message = "One day."
  }
}

run "what_the_other_stages_are_told" {
  assert {
    condition = output.platform == {
      cloud                      = "public"
      subscription_id            = "0b1f6471-1bf0-4dda-aec3-111122223333"
      location                   = "westeurope"
      name                       = "ispm"
      function_principal_id      = "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec"
      log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id
      alert_action_group_id      = null
    }
    error_message = "Stage platform."
  }

  assert {
    condition = output.wiring == {
      cloud                      = "public"
      subscription_id            = "0b1f6471-1bf0-4dda-aec3-111122223333"
      tenant_ids                 = []
      delivery                   = "function"
      function_app_id            = azapi_resource.flex["this"].id
      events_topic_id            = azurerm_eventgrid_topic.events.id
      data_storage_account_id    = azurerm_storage_account.data.id
      queue_name                 = "onboarding"
      dead_letter_container_name = "dead-letters"
      vault_id                   = azurerm_key_vault.this.id
    }
    error_message = "Stage wiring."
  }
}
