# A hub of another subscription is read, callers with tokens are heard, and a sweep comes once a day.
subscription_id           = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
location                  = "westeurope"
activity_log_event_hub_id = "/subscriptions/9e8d7c6b-5a4f-4e3d-8c2b-1a0f9e8d7c6b/resourceGroups/logs/providers/Microsoft.EventHub/namespaces/logs/eventhubs/activity"
entra_audience            = ["api://ispm-onboarder"]
entra_callers             = ["8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d=all"]
sweep_schedule            = "0 30 5 * * *"
no_sweep_hours            = 48
