# Everything private, so that events go to the queue; every list filled, the longest name.
subscription_id = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
location        = "westeurope"
name            = "onboarding"
tenant_ids      = ["8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "3c2b1a09-8f7e-4d6c-9b5a-0e1d2c3b4a59"]
ispm_hosts      = ["contoso.oktapreview.com"]
alert_emails    = ["platform-oncall@contoso.com"]
delivery        = "queue"

private_network = {
  integration_subnet_id = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/functions"
  endpoint_subnet_id    = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints"
  private_dns_zone_ids = {
    vault     = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
    blob      = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
    queue     = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net"
    eventgrid = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net"
    sites     = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
  }
}
