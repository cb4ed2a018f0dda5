# Who may look, who may assign, and who reads.

mock_provider "azapi" {}
mock_provider "random" {}

mock_provider "azuread" {
  mock_data "azuread_service_principals" {
    defaults = {
      object_ids = ["22222222-2222-2222-2222-222222222222"]
      client_ids = ["6e1239c4-dd93-5aa0-8b77-12b55eb662fd"]
    }
  }
}

mock_provider "azurerm" {
  mock_resource "azurerm_role_definition" {
    defaults = {
      role_definition_resource_id = "/providers/Microsoft.Authorization/roleDefinitions/5b5a1f0c-0000-4000-8000-000000000001"
    }
  }
}

variables {
  subscription_id       = "0b1f6471-1bf0-4dda-aec3-111122223333"
  management_group_name = "Corp"
  ispm_app_client_id    = "6e1239c4-dd93-5aa0-8b77-12b55eb662fd"
  function_principal_id = "33333333-3333-3333-3333-333333333333"
}

run "read_only_first" {
  assert {
    condition = (
      toset(keys(azurerm_role_definition.this)) == toset(["read"]) &&
      toset(keys(azurerm_role_assignment.login)) == toset(["read"])
    )
    error_message = "The function may look, and nothing more."
  }

  assert {
    condition = alltrue([
      for action in azurerm_role_definition.this["read"].permissions[0].actions :
      endswith(action, "/read") || action == "Microsoft.Management/getEntities/action"
    ])
    error_message = "What it may do changes nothing."
  }

  assert {
    condition = (
      azurerm_role_definition.this["read"].scope == "/providers/Microsoft.Management/managementGroups/Corp" &&
      toset(azurerm_role_definition.this["read"].assignable_scopes) == toset(["/providers/Microsoft.Management/managementGroups/Corp"])
    )
    error_message = "A custom role can be assignable at one management group only: this one."
  }

  assert {
    condition = (
      azurerm_role_assignment.login["read"].principal_id == "33333333-3333-3333-3333-333333333333" &&
      azurerm_role_assignment.login["read"].principal_type == "ServicePrincipal" &&
      azurerm_role_assignment.login["read"].role_definition_id == azurerm_role_definition.this["read"].role_definition_resource_id
    )
    error_message = "The role is given to the function's identity."
  }

  # The same principal, group and name as in the unit test of src/azure/names.rs.
  assert {
    condition     = azurerm_role_assignment.reader["ispm-app"].name == "da8ac752-7d99-568e-8f08-1106d6b6401b"
    error_message = "Reader is assigned under the name that the program computes."
  }

  assert {
    condition = (
      azurerm_role_assignment.reader["ispm-app"].principal_id == "22222222-2222-2222-2222-222222222222" &&
      endswith(azurerm_role_assignment.reader["ispm-app"].role_definition_id, "/acdd72a7-3385-48ef-bd42-f606fba81ae7") &&
      azurerm_role_assignment.reader["ispm-app"].scope == "/providers/Microsoft.Management/managementGroups/Corp"
    )
    error_message = "Reader, for the ISPM app, at the group."
  }

  assert {
    condition     = !startswith(azurerm_role_assignment.reader["ispm-app"].description, "ispm-onboarder/1")
    error_message = "That mark is the program's: it takes back what bears it."
  }

  assert {
    condition     = output.policy_assign == "never" && output.ispm_app_principal_id == "22222222-2222-2222-2222-222222222222"
    error_message = "The outputs are what the tenant record needs."
  }
}

run "the_function_may_assign" {
  variables {
    grant_role_assignment = true
    assign_reader         = false
  }

  assert {
    condition     = toset(keys(azurerm_role_assignment.login)) == toset(["read", "assign"])
    error_message = "It may look and assign."
  }

  assert {
    condition = toset(azurerm_role_definition.this["assign"].permissions[0].actions) == toset([
      "Microsoft.Authorization/roleAssignments/write",
    ])
    error_message = "The second role writes role assignments and does nothing else: it removes none."
  }

  assert {
    condition = azurerm_role_assignment.login["assign"].condition == join("", [
      "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (",
      "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]",
      " ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7} AND ",
      "@Request[Microsoft.Authorization/roleAssignments:PrincipalId]",
      " ForAnyOfAnyValues:GuidEquals {22222222-2222-2222-2222-222222222222}))",
    ])
    error_message = "Reader, for the ISPM app, and nothing else."
  }

  assert {
    condition     = azurerm_role_assignment.login["assign"].condition_version == "2.0"
    error_message = "Conditions are of version 2.0."
  }

  assert {
    condition     = azurerm_role_assignment.login["read"].condition_version != "2.0" && length(azurerm_role_assignment.reader) == 0
    error_message = "Reading is held by no condition, and Reader is left to the function."
  }

  assert {
    condition     = output.policy_assign == "always" && output.reader_assignment_id == null
    error_message = "The record may say so."
  }
}

run "the_function_may_remove_what_it_assigned" {
  variables {
    grant_role_assignment = true
    allow_offboarding     = true
  }

  assert {
    condition     = toset(keys(azurerm_role_assignment.login)) == toset(["read", "assign", "remove"])
    error_message = "It may look, assign and remove."
  }

  assert {
    condition = toset(azurerm_role_definition.this["remove"].permissions[0].actions) == toset([
      "Microsoft.Authorization/roleAssignments/delete",
    ])
    error_message = "The third role removes role assignments and does nothing else."
  }

  assert {
    condition = azurerm_role_assignment.login["remove"].condition == join("", [
      "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (",
      "@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId]",
      " ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7} AND ",
      "@Resource[Microsoft.Authorization/roleAssignments:PrincipalId]",
      " ForAnyOfAnyValues:GuidEquals {22222222-2222-2222-2222-222222222222}))",
    ])
    error_message = "Reader of the ISPM app, and nothing else. A removal is asked about what is there, not about what is sent."
  }

  assert {
    condition     = azurerm_role_assignment.login["remove"].condition_version == "2.0"
    error_message = "Conditions are of version 2.0."
  }
}

run "to_remove_is_not_to_assign" {
  variables {
    allow_offboarding = true
  }

  assert {
    condition     = toset(keys(azurerm_role_assignment.login)) == toset(["read", "remove"])
    error_message = "Each right is given by itself."
  }
}

run "both" {
  variables {
    grant_role_assignment = true
  }

  assert {
    condition     = length(azurerm_role_assignment.reader) == 1 && length(azurerm_role_assignment.login) == 2
    error_message = "Reader at the group, and the right to assign it elsewhere below."
  }
}

run "neither_is_warned_of" {
  command = plan

  variables {
    assign_reader = false
  }

  expect_failures = [check.reader_is_given]
}

run "no_role_is_wide" {
  variables {
    grant_role_assignment = true
    allow_offboarding     = true
  }

  assert {
    condition = alltrue(flatten([
      for role in azurerm_role_definition.this : [for action in role.permissions[0].actions : !strcontains(action, "*")]
    ]))
    error_message = "No action has a wildcard."
  }

  assert {
    condition = length(setintersection(
      concat(
        [for assignment in azurerm_role_assignment.login : basename(assignment.role_definition_id)],
        [for assignment in azurerm_role_assignment.reader : basename(assignment.role_definition_id)],
      ),
      [
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", # Owner
        "b24988ac-6180-42a0-ab88-20f7382dd24c", # Contributor
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", # User Access Administrator
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168", # Role Based Access Control Administrator
      ],
    )) == 0
    error_message = "No broad role is given."
  }
}

run "the_tenant_root_group_is_named_by_the_tenants_id" {
  variables {
    management_group_name = "0b1f6471-1bf0-4dda-aec3-111122223333"
    role_name_suffix      = " (test)"
  }

  assert {
    condition     = endswith(azurerm_role_definition.this["read"].scope, "/managementGroups/0b1f6471-1bf0-4dda-aec3-111122223333")
    error_message = "A GUID is a name too."
  }

  assert {
    condition     = azurerm_role_definition.this["read"].name == "ISPM onboarder: read (test)"
    error_message = "Two deployments in one tenant have roles of different names."
  }
}

run "without_the_right_to_read_the_directory" {
  variables {
    read_directory        = false
    ispm_app_principal_id = "22222222-2222-2222-2222-222222222222"
  }

  assert {
    condition     = length(data.azuread_service_principals.ispm_app) == 0 && length(data.azuread_service_principals.login) == 0
    error_message = "Nothing is looked up."
  }

  assert {
    condition     = azurerm_role_assignment.reader["ispm-app"].principal_id == "22222222-2222-2222-2222-222222222222"
    error_message = "The object id is the one that was given."
  }
}
