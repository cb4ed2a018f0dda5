# In the government's cloud.
cloud                 = "usgovernment"
subscription_id       = "1f3a7c52-6b0d-4e8f-9a21-5c7d8e9f0a1b"
management_group_name = "corp"
ispm_app_client_id    = "5a0e4a7e-9c1b-4f0d-8d2e-6b3f7c1a9e50"
function_principal_id = "7b8e2d41-5f60-4a9c-b3d7-1e4c8f9a0b62"
grant_role_assignment = true
