subscription_id = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
location        = "westeurope"
tenant_ids      = ["8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
