# What is not ready or wrong is refused before anything is made, and the message says what to type.

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

run "a_tenant_without_a_record" {
  command = plan

  variables {
    tenant_ids = ["519aadd0-caeb-5ef8-b1b9-046051535bc3", "8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
  }

  expect_failures = [data.azurerm_key_vault_secrets.this]
}

run "no_record_at_all" {
  command = plan

  variables {
    tenant_ids = []
  }

  override_data {
    target = data.azurerm_key_vault_secrets.this
    values = { names = ["contoso-ispm-token", "ispm-onboarder-profile-own"] }
  }

  expect_failures = [data.azurerm_key_vault_secrets.this]
}

run "a_function_that_is_not_published" {
  command = plan

  override_data {
    target = data.azapi_resource.function
    values = { exists = false }
  }

  expect_failures = [data.azapi_resource.function]
}

run "a_subscription_with_its_path" {
  command = plan

  variables {
    subscription_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333"
  }

  expect_failures = [var.subscription_id]
}

run "a_domain_where_a_tenant_id_is_asked" {
  command = plan

  variables {
    tenant_ids = ["contoso.onmicrosoft.com"]
  }

  expect_failures = [var.tenant_ids]
}

run "another_way_of_delivery" {
  command = plan

  variables {
    delivery = "webhook"
  }

  expect_failures = [var.delivery]
}

run "an_apps_name_where_its_id_is_asked" {
  command = plan

  variables {
    function_app_id = "func-ispm-ab1cd"
  }

  expect_failures = [var.function_app_id]
}

run "a_topics_endpoint_where_its_id_is_asked" {
  command = plan

  variables {
    events_topic_id = "https://t.westeurope-1.eventgrid.azure.net/api/events"
  }

  expect_failures = [var.events_topic_id]
}

run "an_accounts_name_where_its_id_is_asked" {
  command = plan

  variables {
    data_storage_account_id = "stispmdataab1cd"
  }

  expect_failures = [var.data_storage_account_id]
}

run "a_vaults_address_where_its_id_is_asked" {
  command = plan

  variables {
    vault_id = "https://kv-ispm-ab1cd.vault.azure.net/"
  }

  expect_failures = [var.vault_id]
}
