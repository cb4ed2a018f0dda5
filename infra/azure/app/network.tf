# The private variant: one private endpoint for each thing that is called, and a record of it in your DNS zone.

locals {
  network_id = "^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft[.]Network"

  # https://learn.microsoft.com/azure/private-link/private-endpoint-dns
  private_dns_zones = {
    public = {
      vault     = "privatelink.vaultcore.azure.net"
      blob      = "privatelink.blob.core.windows.net"
      queue     = "privatelink.queue.core.windows.net"
      eventgrid = "privatelink.eventgrid.azure.net"
      sites     = "privatelink.azurewebsites.net"
    }
    usgovernment = {
      vault     = "privatelink.vaultcore.usgovcloudapi.net"
      blob      = "privatelink.blob.core.usgovcloudapi.net"
      queue     = "privatelink.queue.core.usgovcloudapi.net"
      eventgrid = "privatelink.eventgrid.azure.us"
      sites     = "privatelink.azurewebsites.us"
    }
  }[var.cloud]
  private_dns_zone_list = join(", ", [for zone, name in local.private_dns_zones : "${zone} ${name}"])

  private_endpoints = {
    vault         = { id = azurerm_key_vault.this.id, subresource = "vault", zone = "vault" }
    host-blob     = { id = azurerm_storage_account.host.id, subresource = "blob", zone = "blob" }
    data-queue    = { id = azurerm_storage_account.data.id, subresource = "queue", zone = "queue" }
    data-blob     = { id = azurerm_storage_account.data.id, subresource = "blob", zone = "blob" }
    events-topic  = { id = azurerm_eventgrid_topic.events.id, subresource = "topic", zone = "eventgrid" }
    results-topic = { id = azurerm_eventgrid_topic.results.id, subresource = "topic", zone = "eventgrid" }
    function-app  = { id = local.function_app_id, subresource = "sites", zone = "sites" }
  }
}

resource "azurerm_private_endpoint" "this" {
  for_each = { for name, endpoint in local.private_endpoints : name => endpoint if local.private }

  name                = "pe-${var.name}-${each.key}"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  subnet_id           = var.private_network.endpoint_subnet_id
  tags                = var.tags

  private_service_connection {
    name                           = each.key
    private_connection_resource_id = each.value.id
    subresource_names              = [each.value.subresource]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "default"
    private_dns_zone_ids = [var.private_network.private_dns_zone_ids[each.value.zone]]
  }
}
