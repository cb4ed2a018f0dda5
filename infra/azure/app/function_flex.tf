# Flex Consumption. azurerm has a resource for it, which always adds the setting AzureWebJobsStorage, a connection string without a key. The
# host prefers it to the identity, and then does not start: https://github.com/hashicorp/terraform-provider-azurerm/issues/29693
resource "azapi_resource" "flex" {
  for_each = toset(local.flex ? ["this"] : [])

  type      = "Microsoft.Web/sites@2024-04-01"
  name      = local.names.function_app
  parent_id = azurerm_resource_group.this.id
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this.id]
  }

  body = {
    kind = "functionapp,linux"
    properties = merge(
      {
        serverFarmId        = azurerm_service_plan.this.id
        httpsOnly           = true
        publicNetworkAccess = local.private ? "Disabled" : "Enabled"
        siteConfig = {
          minTlsVersion    = "1.2"
          scmMinTlsVersion = "1.2"
          appSettings      = [for name, value in local.flex_app_settings : { name = name, value = value }]
        }
        functionAppConfig = {
          runtime = {
            name    = "custom"
            version = var.runtime_version
          }
          scaleAndConcurrency = {
            maximumInstanceCount = var.maximum_instance_count
            instanceMemoryMB     = var.instance_memory_mb
          }
          deployment = {
            storage = {
              type  = "blobContainer"
              value = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.packages.name}"
              authentication = {
                type                           = "UserAssignedIdentity"
                userAssignedIdentityResourceId = azurerm_user_assigned_identity.this.id
              }
            }
          }
        }
      },
      local.private ? { virtualNetworkSubnetId = var.private_network.integration_subnet_id } : {},
    )
  }

  # The host reads its storage when it starts.
  depends_on = [azurerm_role_assignment.this]
}

# No publishing with a password.
resource "azapi_update_resource" "flex_publishing" {
  for_each = azapi_resource.flex

  type        = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01"
  resource_id = "${each.value.id}/basicPublishingCredentialsPolicies/scm"
  body        = { properties = { allow = false } }
}
