# Premium and Dedicated plans.

locals {
  # What every region allows: https://learn.microsoft.com/azure/azure-functions/functions-premium-plan#region-max-scale-out
  premium_instances = min(var.maximum_instance_count, 20)
}

resource "azurerm_linux_function_app" "this" {
  #checkov:skip=CKV_AZURE_221:Event Grid has to reach it. private_network closes it, and events go through the queue.
  for_each = toset(local.flex ? [] : ["this"])

  name                = local.names.function_app
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  service_plan_id     = azurerm_service_plan.this.id
  tags                = var.tags

  storage_account_name          = azurerm_storage_account.host.name
  storage_uses_managed_identity = true
  # A share for the app's files could only be opened with a key. The package is read from a blob instead.
  content_share_force_disabled = true
  # Of the host's version 1.
  builtin_logging_enabled = false

  https_only                                     = true
  public_network_access_enabled                  = !local.private
  virtual_network_subnet_id                      = local.private ? var.private_network.integration_subnet_id : null
  ftp_publish_basic_authentication_enabled       = false
  webdeploy_publish_basic_authentication_enabled = false

  app_settings = merge(local.app_settings, {
    WEBSITE_RUN_FROM_PACKAGE                     = local.package
    WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID = azurerm_user_assigned_identity.this.id
  })

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this.id]
  }

  site_config {
    always_on                              = !local.premium
    app_scale_limit                        = local.premium ? local.premium_instances : null
    application_insights_connection_string = azurerm_application_insights.this.connection_string
    ftps_state                             = "Disabled"
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    vnet_route_all_enabled                 = local.private
    # Lets the host look at a queue that only it can reach, and ask for instances.
    runtime_scale_monitoring_enabled = local.premium && local.private

    application_stack {
      use_custom_runtime = true
    }
  }

  # The host reads its storage when it starts.
  depends_on = [azurerm_role_assignment.this]
}
