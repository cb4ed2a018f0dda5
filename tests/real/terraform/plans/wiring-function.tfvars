# As app hands it on.
subscription_id            = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
tenant_ids                 = ["8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
delivery                   = "function"
function_app_id            = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.Web/sites/func-ispm-k3x9q"
events_topic_id            = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.EventGrid/topics/evgt-ispm-events-k3x9q"
data_storage_account_id    = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.Storage/storageAccounts/stispmdatak3x9q"
queue_name                 = "onboarding"
dead_letter_container_name = "dead-letters"
vault_id                   = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.KeyVault/vaults/kv-ispm-k3x9q"
