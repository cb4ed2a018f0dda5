# What is wrong is refused before anything is made, and the message says how to find what is right.

mock_provider "azapi" {}
mock_provider "random" {}
mock_provider "azurerm" {}

mock_provider "azuread" {
  mock_data "azuread_service_principals" {
    defaults = {
      object_ids = ["22222222-2222-2222-2222-222222222222"]
      client_ids = ["6e1239c4-dd93-5aa0-8b77-12b55eb662fd"]
    }
  }
}

variables {
  subscription_id       = "0b1f6471-1bf0-4dda-aec3-111122223333"
  management_group_name = "corp"
  ispm_app_client_id    = "6e1239c4-dd93-5aa0-8b77-12b55eb662fd"
  function_principal_id = "33333333-3333-3333-3333-333333333333"
}

run "a_subscription_id_with_its_path" {
  command = plan

  variables {
    subscription_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333"
  }

  expect_failures = [var.subscription_id]
}

run "an_id_where_the_groups_name_is_asked" {
  command = plan

  variables {
    management_group_name = "/providers/Microsoft.Management/managementGroups/corp"
  }

  expect_failures = [var.management_group_name]
}

run "a_display_name" {
  command = plan

  variables {
    management_group_name = "Corp and all below"
  }

  expect_failures = [var.management_group_name]
}

run "a_group_name_that_ends_with_a_full_stop" {
  command = plan

  variables {
    management_group_name = "corp."
  }

  expect_failures = [var.management_group_name]
}

run "a_group_name_that_is_too_long" {
  command = plan

  variables {
    management_group_name = join("", [for _ in range(91) : "a"])
  }

  expect_failures = [var.management_group_name]
}

run "an_apps_name" {
  command = plan

  variables {
    ispm_app_client_id = "Okta ISPM"
  }

  expect_failures = [var.ispm_app_client_id]
}

run "an_object_id_that_is_none" {
  command = plan

  variables {
    ispm_app_principal_id = "okta-ispm"
  }

  expect_failures = [var.ispm_app_principal_id]
}

run "the_client_id_in_place_of_the_object_id" {
  command = plan

  variables {
    ispm_app_principal_id = "6E1239C4-DD93-5AA0-8B77-12B55EB662FD"
  }

  expect_failures = [var.ispm_app_principal_id]
}

run "no_object_id_and_no_way_to_look_it_up" {
  command = plan

  variables {
    read_directory = false
  }

  expect_failures = [var.ispm_app_principal_id]
}

run "a_functions_name" {
  command = plan

  variables {
    function_principal_id = "func-ispm-ab1cd"
  }

  expect_failures = [var.function_principal_id]
}

run "a_suffix_that_is_too_long" {
  command = plan

  variables {
    role_name_suffix = join("", [for _ in range(65) : "a"])
  }

  expect_failures = [var.role_name_suffix]
}

run "a_region_as_people_write_it" {
  command = plan

  variables {
    location = "West Europe"
  }

  expect_failures = [var.location]
}

run "an_event_hub_without_a_place" {
  command = plan

  variables {
    export_activity_log = true
  }

  expect_failures = [var.location]
}

run "an_event_hubs_id_where_a_rule_is_asked" {
  command = plan

  variables {
    event_hub = {
      authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/g/providers/Microsoft.EventHub/x"
      name                  = "activity-log"
    }
  }

  expect_failures = [var.event_hub]
}

run "an_id_where_the_hubs_name_is_asked" {
  command = plan

  variables {
    event_hub = {
      authorization_rule_id = join("", [
        "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/g",
        "/providers/Microsoft.EventHub/namespaces/n/authorizationRules/send",
      ])
      name = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333"
    }
  }

  expect_failures = [var.event_hub]
}

run "an_export_without_a_workspace" {
  command = plan

  variables {
    export_entra_audit_log = true
    location               = "westeurope"
  }

  expect_failures = [var.log_analytics_workspace_id]
}

run "a_workspaces_guid" {
  command = plan

  variables {
    log_analytics_workspace_id = "0b1f6471-1bf0-4dda-aec3-111122223333"
  }

  expect_failures = [var.log_analytics_workspace_id]
}

run "a_name_with_a_hyphen" {
  command = plan

  variables {
    name = "is-pm"
  }

  expect_failures = [var.name]
}

run "an_app_without_a_service_principal_in_the_tenant" {
  command = plan

  override_data {
    target = data.azuread_service_principals.ispm_app
    values = {
      object_ids = []
    }
  }

  expect_failures = [data.azuread_service_principals.ispm_app]
}

run "another_object_id_than_entras" {
  command = plan

  variables {
    ispm_app_principal_id = "44444444-4444-4444-4444-444444444444"
  }

  expect_failures = [data.azuread_service_principals.ispm_app]
}

run "a_client_id_in_place_of_the_functions_object_id" {
  command = plan

  override_data {
    target = data.azuread_service_principals.login
    values = {
      client_ids = []
    }
  }

  expect_failures = [data.azuread_service_principals.login]
}
