# In the government's cloud.
cloud                      = "usgovernment"
subscription_id            = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
tenant_ids                 = []
delivery                   = "queue"
function_app_id            = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.Web/sites/func-ispm-k3x9q"
events_topic_id            = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.EventGrid/topics/evgt-ispm-events-k3x9q"
data_storage_account_id    = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.Storage/storageAccounts/stispmdatak3x9q"
queue_name                 = "onboarding"
dead_letter_container_name = "dead-letters"
vault_id                   = "/subscriptions/1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b/resourceGroups/rg-ispm/providers/Microsoft.KeyVault/vaults/kv-ispm-k3x9q"
