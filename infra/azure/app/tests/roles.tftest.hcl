# Who may do what: each right of infra/permissions.json at its place, and no other.

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

run "events_call_the_function" {
  assert {
    condition = toset([
      for one in azurerm_role_assignment.this : "${one.principal_id} ${basename(one.role_definition_id)} ${one.scope}"
      ]) == toset([
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec 4633458b-17de-408a-b874-0445c86b69e6 ${azurerm_key_vault.this.id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec d5a91429-5739-47e2-a06b-3470a27159e7 ${azurerm_eventgrid_topic.results.id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec c6a89b2d-59bc-44d0-9896-0f6e12d7b80a ${azurerm_storage_queue.this["onboarding"].id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec 19e7f393-937e-4f77-808e-94535e297925 ${azurerm_storage_queue.this["onboarding"].id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec 8a0f0c08-91a1-4084-bc3d-661d67233fed ${azurerm_storage_queue.this["onboarding"].id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec c6a89b2d-59bc-44d0-9896-0f6e12d7b80a ${azurerm_storage_queue.this["poison"].id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec ba92f5b4-2d11-453d-a403-e96b0029c9fe ${azurerm_storage_container.report.id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec b7e6dc6d-f1e8-4753-8033-0f276bb0955b ${azurerm_storage_account.host.id}",
      "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec 3913510d-42f4-4e42-8a64-420c390055eb ${azurerm_application_insights.this.id}",
      "aaaaaaaa-0000-4000-8000-000000000001 ba92f5b4-2d11-453d-a403-e96b0029c9fe ${azurerm_storage_container.dead_letters.id}",
      "aaaaaaaa-0000-4000-8000-000000000002 ba92f5b4-2d11-453d-a403-e96b0029c9fe ${azurerm_storage_container.dead_letters.id}",
      "aaaaaaaa-0000-4000-8000-000000000002 c6a89b2d-59bc-44d0-9896-0f6e12d7b80a ${azurerm_storage_queue.this["results"].id}",
    ])
    error_message = "The function's identity and the topics have these rights, at these places."
  }

  assert {
    condition = alltrue([
      for one in azurerm_role_assignment.this :
      one.principal_type == "ServicePrincipal" &&
      startswith(one.role_definition_id, "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/")
    ])
    error_message = "All are service principals, and roles are named as Azure names them at a subscription."
  }
}

run "events_go_to_the_queue" {
  variables {
    delivery = "queue"
  }

  assert {
    condition = [
      for key, one in azurerm_role_assignment.this : "${one.principal_id} ${basename(one.role_definition_id)} ${one.scope}"
      if startswith(key, "events-topic")
      ] == [
      "aaaaaaaa-0000-4000-8000-000000000001 ba92f5b4-2d11-453d-a403-e96b0029c9fe ${azurerm_storage_container.dead_letters.id}",
      "aaaaaaaa-0000-4000-8000-000000000001 c6a89b2d-59bc-44d0-9896-0f6e12d7b80a ${azurerm_storage_queue.this["onboarding"].id}",
    ]
    error_message = "The events topic may put into the queue."
  }
}

run "the_activity_log_is_read" {
  variables {
    activity_log_event_hub_id = "/subscriptions/L/resourceGroups/logs/providers/Microsoft.EventHub/namespaces/logs/eventhubs/activity"
  }

  assert {
    condition = [
      for one in azurerm_role_assignment.this : one.role_definition_id if one.scope == var.activity_log_event_hub_id
    ] == ["/subscriptions/L/providers/Microsoft.Authorization/roleDefinitions/a638d3c7-ab3a-418d-83e6-5f17a39d4fde"]
    error_message = "The function may read that hub, by a role as it is named in the hub's subscription."
  }

  assert {
    condition = alltrue([
      for one in azurerm_role_assignment.this :
      startswith(one.role_definition_id, "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/") if one.scope != var.activity_log_event_hub_id
    ])
    error_message = "All other places are in this subscription."
  }
}
