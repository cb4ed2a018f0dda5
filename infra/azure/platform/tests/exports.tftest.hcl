# The two exports, each off unless it is asked for.

mock_provider "azapi" {}
mock_provider "azuread" {}
mock_provider "azurerm" {}

mock_provider "random" {
  mock_resource "random_string" {
    defaults = {
      result = "ab1cd"
    }
  }
}

variables {
  subscription_id       = "0b1f6471-1bf0-4dda-aec3-111122223333"
  management_group_name = "corp"
  ispm_app_client_id    = "6e1239c4-dd93-5aa0-8b77-12b55eb662fd"
  ispm_app_principal_id = "22222222-2222-2222-2222-222222222222"
  function_principal_id = "33333333-3333-3333-3333-333333333333"
  read_directory        = false
}

run "nothing_is_exported_or_made_in_the_subscription" {
  assert {
    condition = (
      length(azapi_resource.activity_log) + length(azurerm_eventhub_namespace.this) + length(azurerm_resource_group.this) == 0 &&
      length(azurerm_monitor_aad_diagnostic_setting.audit) == 0
    )
    error_message = "Both exports are off."
  }

  assert {
    condition     = output.activity_log_event_hub == null && output.activity_log_event_hub_id == null
    error_message = "There is no hub to name."
  }
}

run "the_activity_log_to_an_event_hub_of_its_own" {
  variables {
    export_activity_log = true
    location            = "westeurope"
  }

  assert {
    condition = (
      azurerm_eventhub_namespace.this["platform"].name == "evhns-ispm-ab1cd" &&
      azurerm_eventhub_namespace.this["platform"].minimum_tls_version == "1.2" &&
      azurerm_eventhub_namespace.this["platform"].network_rulesets[0].default_action == "Deny"
    )
    error_message = "TLS 1.2, and no network is let in that is not named."
  }

  assert {
    condition = (
      azurerm_eventhub_namespace_authorization_rule.azure_monitor["platform"].send &&
      !azurerm_eventhub_namespace_authorization_rule.azure_monitor["platform"].listen &&
      !azurerm_eventhub_namespace_authorization_rule.azure_monitor["platform"].manage
    )
    error_message = "Azure Monitor may send, and nothing else."
  }

  assert {
    condition     = output.activity_log_event_hub_id == azurerm_eventhub.activity_log["platform"].id
    error_message = "The app stage is told which hub to read."
  }

  assert {
    condition = (
      azapi_resource.activity_log["activity-log"].parent_id == "/providers/Microsoft.Management/managementGroups/corp" &&
      azapi_resource.activity_log["activity-log"].body.properties.eventHubName == "activity-log" &&
      azapi_resource.activity_log["activity-log"].body.properties.eventHubAuthorizationRuleId
      == azurerm_eventhub_namespace_authorization_rule.azure_monitor["platform"].id
    )
    error_message = "The group's log goes to that hub."
  }

  assert {
    condition = toset(azapi_resource.activity_log["activity-log"].body.properties.logs[*].category) == toset([
      "Administrative", "Policy",
    ])
    error_message = "What is made and moved, and what policies find."
  }
}

run "the_activity_log_to_an_event_hub_that_is_there" {
  variables {
    export_activity_log = true
    event_hub = {
      authorization_rule_id = join("", [
        "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/security",
        "/providers/Microsoft.EventHub/namespaces/logs/authorizationRules/send",
      ])
      name = "azure-activity"
    }
  }

  assert {
    condition     = length(azurerm_eventhub_namespace.this) + length(azurerm_resource_group.this) == 0
    error_message = "No second one is made."
  }

  assert {
    condition     = azapi_resource.activity_log["activity-log"].body.properties.eventHubName == "azure-activity"
    error_message = "The group's log goes to the hub that was named."
  }
}

run "entras_audit_log" {
  variables {
    export_entra_audit_log = true
    log_analytics_workspace_id = join("", [
      "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg-ispm",
      "/providers/Microsoft.OperationalInsights/workspaces/log-ispm",
    ])
    location = "westeurope"
  }

  assert {
    condition     = azurerm_monitor_aad_diagnostic_setting.audit["audit"].enabled_log[*].category == tolist(["AuditLogs"])
    error_message = "Only the audit log: sign-ins stay where they are."
  }

  assert {
    condition     = endswith(azurerm_monitor_aad_diagnostic_setting.audit["audit"].log_analytics_workspace_id, "/workspaces/log-ispm")
    error_message = "It goes to the workspace of the app stage."
  }
}
