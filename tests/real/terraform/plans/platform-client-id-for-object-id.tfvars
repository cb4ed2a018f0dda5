# The client id where the function's object id is asked: Entra does not know it as one.
subscription_id       = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
management_group_name = "corp"
ispm_app_client_id    = "5a0e4a7e-9c1b-4f0d-8d2e-6b3f7c1a9e50"
function_principal_id = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d4e5f6"
