# What Azure would make known.

mock_data "azurerm_client_config" {
  defaults = {
    subscription_id = "0b1f6471-1bf0-4dda-aec3-111122223333"
    tenant_id       = "519aadd0-caeb-5ef8-b1b9-046051535bc3"
  }
}

override_resource {
  target = azurerm_user_assigned_identity.this
  values = {
    id           = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ispm"
    client_id    = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
    principal_id = "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec"
  }
}

override_resource {
  target = azurerm_storage_account.host
  values = {
    id                    = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.Storage/storageAccounts/stispmhostab1cd"
    primary_blob_endpoint = "https://stispmhostab1cd.blob.core.windows.net/"
  }
}

override_resource {
  target = azurerm_storage_account.data
  values = {
    id                     = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.Storage/storageAccounts/stispmdataab1cd"
    primary_blob_endpoint  = "https://stispmdataab1cd.blob.core.windows.net/"
    primary_queue_endpoint = "https://stispmdataab1cd.queue.core.windows.net/"
  }
}

override_resource {
  target = azurerm_key_vault.this
  values = {
    id        = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.KeyVault/vaults/kv-ispm-ab1cd"
    vault_uri = "https://kv-ispm-ab1cd.vault.azure.net/"
  }
}

override_resource {
  target = azurerm_eventgrid_topic.events
  values = {
    id       = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.EventGrid/topics/evgt-ispm-events-ab1cd"
    endpoint = "https://evgt-ispm-events-ab1cd.westeurope-1.eventgrid.azure.net/api/events"
    identity = { principal_id = "aaaaaaaa-0000-4000-8000-000000000001" }
  }
}

override_resource {
  target = azurerm_eventgrid_topic.results
  values = {
    id       = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.EventGrid/topics/evgt-ispm-results-ab1cd"
    endpoint = "https://evgt-ispm-results-ab1cd.westeurope-1.eventgrid.azure.net/api/events"
    identity = { principal_id = "aaaaaaaa-0000-4000-8000-000000000002" }
  }
}

override_resource {
  target = azurerm_application_insights.this
  values = {
    id                = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.Insights/components/appi-ispm"
    connection_string = "InstrumentationKey=5dbd4c0e-0000-4000-8000-000000000003"
  }
}
