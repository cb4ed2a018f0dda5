# The private variant: the same, and nothing is called from outside but by Event Grid.

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
  delivery        = "queue"
  private_network = {
    integration_subnet_id = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app"
    endpoint_subnet_id    = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints"
    private_dns_zone_ids = {
      vault     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
      blob      = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
      queue     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net"
      eventgrid = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net"
      sites     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
    }
  }
}

run "everything_is_private" {
  assert {
    condition = {
      for name, one in azurerm_private_endpoint.this : name => one.private_service_connection[0].private_connection_resource_id
      } == {
      vault         = azurerm_key_vault.this.id
      host-blob     = azurerm_storage_account.host.id
      data-queue    = azurerm_storage_account.data.id
      data-blob     = azurerm_storage_account.data.id
      events-topic  = azurerm_eventgrid_topic.events.id
      results-topic = azurerm_eventgrid_topic.results.id
      function-app  = azapi_resource.flex["this"].id
    }
    error_message = "Each thing that is called has a private endpoint."
  }

  assert {
    condition = {
      for name, one in azurerm_private_endpoint.this :
      name => "${one.private_service_connection[0].subresource_names[0]} ${basename(one.private_dns_zone_group[0].private_dns_zone_ids[0])}"
      } == {
      vault         = "vault privatelink.vaultcore.azure.net"
      host-blob     = "blob privatelink.blob.core.windows.net"
      data-queue    = "queue privatelink.queue.core.windows.net"
      data-blob     = "blob privatelink.blob.core.windows.net"
      events-topic  = "topic privatelink.eventgrid.azure.net"
      results-topic = "topic privatelink.eventgrid.azure.net"
      function-app  = "sites privatelink.azurewebsites.net"
    }
    error_message = "Each endpoint is of its service's kind, and in its service's zone."
  }

  assert {
    condition = alltrue([
      for one in azurerm_private_endpoint.this :
      endswith(one.subnet_id, "/subnets/endpoints") && one.private_service_connection[0].is_manual_connection == false
    ])
    error_message = "The endpoints are in their subnet."
  }

  assert {
    condition = (
      azurerm_key_vault.this.public_network_access_enabled == false && azurerm_key_vault.this.network_acls[0].default_action == "Deny" &&
      azurerm_storage_account.host.public_network_access_enabled == false &&
      azurerm_eventgrid_topic.events.public_network_access_enabled == false &&
      azurerm_eventgrid_topic.results.public_network_access_enabled == false &&
      azapi_resource.flex["this"].body.properties.publicNetworkAccess == "Disabled"
    )
    error_message = "Nothing is reached from outside."
  }

  assert {
    condition = (
      azurerm_storage_account.data.network_rules[0].default_action == "Deny" &&
      azurerm_storage_account.data.network_rules[0].bypass == toset(["AzureServices"])
    )
    error_message = "But Event Grid reaches the queue and the dead letters."
  }

  assert {
    condition     = endswith(azapi_resource.flex["this"].body.properties.virtualNetworkSubnetId, "/subnets/app")
    error_message = "The app calls out through the network."
  }

  assert {
    condition     = length(setsubtract(["Microsoft.App", "Microsoft.Network"], keys(data.azapi_resource_action.resource_provider))) == 0
    error_message = "The resource providers of networks are asked for too."
  }
}

run "premium_is_private_too" {
  variables {
    plan_sku = "EP1"
  }

  assert {
    condition = (
      azurerm_linux_function_app.this["this"].public_network_access_enabled == false &&
      endswith(azurerm_linux_function_app.this["this"].virtual_network_subnet_id, "/subnets/app") &&
      azurerm_linux_function_app.this["this"].site_config[0].vnet_route_all_enabled &&
      azurerm_linux_function_app.this["this"].site_config[0].runtime_scale_monitoring_enabled
    )
    error_message = "No way in but the endpoint, all ways out through the network, and the host watches its queue itself."
  }

  assert {
    condition = (
      azurerm_private_endpoint.this["function-app"].private_service_connection[0].private_connection_resource_id ==
      azurerm_linux_function_app.this["this"].id
    )
    error_message = "The endpoint is this app's."
  }
}

run "public_without_a_network" {
  variables {
    private_network = null
  }

  assert {
    condition = (
      length(azurerm_private_endpoint.this) == 0 &&
      azurerm_key_vault.this.public_network_access_enabled && azurerm_key_vault.this.network_acls[0].default_action == "Allow" &&
      azurerm_storage_account.host.public_network_access_enabled &&
      azurerm_storage_account.data.network_rules[0].default_action == "Allow" &&
      azurerm_eventgrid_topic.events.public_network_access_enabled && azurerm_eventgrid_topic.results.public_network_access_enabled
    )
    error_message = "Without a network everything is reached by its public name, with a token."
  }
}
