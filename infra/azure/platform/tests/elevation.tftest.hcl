# The alert on a right that nobody gave.

mock_provider "azapi" {}
mock_provider "azuread" {}
mock_provider "azurerm" {}
mock_provider "random" {}

variables {
  subscription_id       = "0b1f6471-1bf0-4dda-aec3-111122223333"
  management_group_name = "corp"
  ispm_app_client_id    = "6e1239c4-dd93-5aa0-8b77-12b55eb662fd"
  ispm_app_principal_id = "22222222-2222-2222-2222-222222222222"
  function_principal_id = "33333333-3333-3333-3333-333333333333"
  read_directory        = false
  log_analytics_workspace_id = join("", [
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg-ispm",
    "/providers/Microsoft.OperationalInsights/workspaces/log-ispm",
  ])
}

run "without_the_export_there_is_nothing_to_ask" {
  assert {
    condition     = length(azurerm_monitor_scheduled_query_rules_alert_v2.elevation) == 0
    error_message = "The table would stay empty, and the alert quiet."
  }
}

run "with_the_export_the_workspace_is_asked" {
  variables {
    export_entra_audit_log = true
    location               = "westeurope"
  }

  assert {
    condition = (
      azurerm_monitor_scheduled_query_rules_alert_v2.elevation["elevation"].scopes == tolist([var.log_analytics_workspace_id]) &&
      azurerm_monitor_scheduled_query_rules_alert_v2.elevation["elevation"].resource_group_name == "rg-ispm-platform" &&
      azurerm_monitor_scheduled_query_rules_alert_v2.elevation["elevation"].location == "westeurope"
    )
    error_message = "The alert is where its workspace is, in a group of this stage."
  }

  assert {
    condition = strcontains(
      azurerm_monitor_scheduled_query_rules_alert_v2.elevation["elevation"].criteria[0].query,
      "Azure RBAC (Elevated Access)",
    )
    error_message = "It asks for the entries of elevated access."
  }

  assert {
    condition     = length(azurerm_monitor_scheduled_query_rules_alert_v2.elevation["elevation"].action) == 0
    error_message = "Without an action group it stands in the portal."
  }
}

run "an_action_group_is_told" {
  variables {
    export_entra_audit_log = true
    location               = "westeurope"
    alert_action_group_id = join("", [
      "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg-ispm",
      "/providers/Microsoft.Insights/actionGroups/ag-ispm",
    ])
  }

  assert {
    condition = (
      azurerm_monitor_scheduled_query_rules_alert_v2.elevation["elevation"].action[0].action_groups == tolist([var.alert_action_group_id])
    )
    error_message = "That group is told."
  }
}

run "a_groups_name_where_its_id_is_asked" {
  command = plan

  variables {
    alert_action_group_id = "ag-ispm"
  }

  expect_failures = [var.alert_action_group_id]
}

run "an_alert_without_a_place" {
  command = plan

  variables {
    export_entra_audit_log = true
  }

  expect_failures = [var.location]
}
