# The government's cloud, with all that has other names there.
cloud                     = "usgovernment"
subscription_id           = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
location                  = "usgovvirginia"
activity_log_event_hub_id = "/subscriptions/9e8d7c6b-5a4f-4e3d-8c2b-1a0f9e8d7c6b/resourceGroups/logs/providers/Microsoft.EventHub/namespaces/logs/eventhubs/activity"
plan_sku                  = "EP1"
