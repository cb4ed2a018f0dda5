# Names, keys, network and retention of what holds data.

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

run "names" {
  assert {
    condition = [
      azurerm_resource_group.this.name,
      azurerm_user_assigned_identity.this.name,
      azurerm_service_plan.this.name,
      azapi_resource.flex["this"].name,
      azurerm_key_vault.this.name,
      azurerm_storage_account.host.name,
      azurerm_storage_account.data.name,
      azurerm_eventgrid_topic.events.name,
      azurerm_eventgrid_topic.results.name,
      ] == [
      "rg-ispm",
      "id-ispm",
      "asp-ispm",
      "func-ispm-ab1cd",
      "kv-ispm-ab1cd",
      "stispmhostab1cd",
      "stispmdataab1cd",
      "evgt-ispm-events-ab1cd",
      "evgt-ispm-results-ab1cd",
    ]
    error_message = "What has a name in all of Azure ends in letters of chance, so that it can be made again after its removal."
  }

  assert {
    condition     = random_string.suffix.length == 5 && random_string.suffix.upper == false && random_string.suffix.special == false
    error_message = "The letters of chance suit a storage account."
  }

  assert {
    condition = { for key, queue in azurerm_storage_queue.this : key => queue.name } == {
      onboarding = "onboarding"
      poison     = "onboarding-poison"
      results    = "results"
    }
    error_message = "The queues."
  }
}

run "the_longest_name_still_fits" {
  variables {
    name = "abcdefghij"
  }

  assert {
    condition = (
      length(azurerm_storage_account.host.name) <= 24 && length(azurerm_storage_account.data.name) <= 24 &&
      length(azurerm_key_vault.this.name) <= 24 && length(azapi_resource.flex["this"].name) <= 32 &&
      length(azurerm_eventgrid_topic.results.name) <= 50
    )
    error_message = "Storage accounts and vaults take 24 characters, topics 50; hosts tell apps apart by their first 32."
  }
}

run "no_keys" {
  assert {
    condition = alltrue([
      for account in [azurerm_storage_account.host, azurerm_storage_account.data] :
      account.shared_access_key_enabled == false && account.local_user_enabled == false &&
      account.allow_nested_items_to_be_public == false && account.default_to_oauth_authentication &&
      account.min_tls_version == "TLS1_2" && account.https_traffic_only_enabled
    ])
    error_message = "Storage takes Entra tokens over TLS 1.2, and nothing else."
  }

  assert {
    condition = alltrue([
      for topic in [azurerm_eventgrid_topic.events, azurerm_eventgrid_topic.results] :
      topic.local_auth_enabled == false && topic.input_schema == "CloudEventSchemaV1_0" && topic.identity[0].type == "SystemAssigned"
    ])
    error_message = "Topics take CloudEvents and Entra tokens, and have an identity to deliver with."
  }

  assert {
    condition = {
      for update in azapi_update_resource.topic_tls : update.resource_id => update.body.properties.minimumTlsVersionAllowed
      } == {
      (azurerm_eventgrid_topic.events.id)  = "1.2"
      (azurerm_eventgrid_topic.results.id) = "1.2"
    }
    error_message = "Topics take TLS 1.2."
  }

  assert {
    condition = (
      azurerm_key_vault.this.rbac_authorization_enabled && azurerm_key_vault.this.purge_protection_enabled &&
      azurerm_key_vault.this.soft_delete_retention_days == 90
    )
    error_message = "The vault goes by roles, and nobody can purge it."
  }
}

run "retention" {
  variables {
    dead_letter_retention_days = 7
  }

  assert {
    condition = (
      azurerm_storage_management_policy.data.rule[0].filters[0].prefix_match == toset(["dead-letters/"]) &&
      azurerm_storage_management_policy.data.rule[0].actions[0].base_blob[0].delete_after_days_since_modification_greater_than == 7
    )
    error_message = "Dead letters are kept as long as asked."
  }

  assert {
    condition = (
      azurerm_storage_container.report.storage_account_id == azurerm_storage_account.data.id &&
      azurerm_storage_management_policy.data.rule[1].filters[0].prefix_match == toset(["report/"]) &&
      azurerm_storage_management_policy.data.rule[1].actions[0].base_blob[0].delete_after_days_since_modification_greater_than == 90
    )
    error_message = "A report that no sweep writes any more goes."
  }

  assert {
    condition = (
      azurerm_storage_account.host.blob_properties[0].versioning_enabled &&
      azurerm_storage_management_policy.host.rule[0].actions[0].version[0].delete_after_days_since_creation == 14
    )
    error_message = "An old package can be had back for two weeks."
  }
}

run "tags" {
  variables {
    tags = { owner = "identity" }
  }

  assert {
    condition = alltrue([
      for one in [
        azurerm_resource_group.this.tags,
        azurerm_user_assigned_identity.this.tags,
        azurerm_service_plan.this.tags,
        azapi_resource.flex["this"].tags,
        azurerm_key_vault.this.tags,
        azurerm_storage_account.host.tags,
        azurerm_storage_account.data.tags,
        azurerm_eventgrid_topic.events.tags,
        azurerm_eventgrid_topic.results.tags,
      ] : one == tomap({ owner = "identity" })
    ])
    error_message = "Everything that takes tags has them."
  }
}
