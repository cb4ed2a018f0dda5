subscription_id             = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
location                    = "northeurope"
plan_sku                    = "B1"
register_resource_providers = false
sweep                       = false
