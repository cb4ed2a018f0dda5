# A Premium plan, events by the queue though nothing is private, the shortest name.
subscription_id = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
location        = "swedencentral"
name            = "ob"
plan_sku        = "EP1"
delivery        = "queue"
