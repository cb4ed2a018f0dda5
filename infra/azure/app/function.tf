locals {
  function_app_id = one(concat([for app in azapi_resource.flex : app.id], [for app in azurerm_linux_function_app.this : app.id]))

  sites_suffix = { public = "azurewebsites.net", usgovernment = "azurewebsites.us" }[var.cloud]

  queue_url = trimsuffix(azurerm_storage_account.data.primary_queue_endpoint, "/")
  queue     = azurerm_storage_queue.this["onboarding"].name
  package   = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.packages.name}/handler.zip"

  # docs/configuration.md explains those that begin with ONBOARDER_. The host's own are explained in
  # https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity and
  # https://learn.microsoft.com/azure/azure-functions/functions-app-settings#applicationinsights_authentication_string
  app_settings = merge(
    {
      ONBOARDER_CLOUD                           = var.cloud
      ONBOARDER_SECRET_STORE                    = trimsuffix(azurerm_key_vault.this.vault_uri, "/")
      ONBOARDER_RESULTS                         = azurerm_eventgrid_topic.results.endpoint
      ONBOARDER_QUEUE                           = "${local.queue_url}/${local.queue}"
      ONBOARDER_QUEUE_NAME                      = local.queue
      ONBOARDER_QUEUE_STORAGE__queueServiceUri  = local.queue_url
      ONBOARDER_QUEUE_STORAGE__credential       = "managedidentity"
      ONBOARDER_QUEUE_STORAGE__clientId         = azurerm_user_assigned_identity.this.client_id
      ONBOARDER_PROPAGATION_MINUTES             = tostring(var.propagation_minutes)
      AZURE_CLIENT_ID                           = azurerm_user_assigned_identity.this.client_id
      AzureWebJobsStorage__credential           = "managedidentity"
      AzureWebJobsStorage__clientId             = azurerm_user_assigned_identity.this.client_id
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "Authorization=AAD;ClientId=${azurerm_user_assigned_identity.this.client_id}"
    },
    length(var.tenant_ids) == 0 ? {} : { ONBOARDER_TENANTS = lower(join(",", var.tenant_ids)) },
    length(var.ispm_hosts) == 0 ? {} : { ONBOARDER_ISPM_HOSTS = lower(join(",", var.ispm_hosts)) },
    local.caller_settings,
    local.sweep_settings,
    local.activity_log_settings,
  )
  # Those that mean the same on the command line.
  typed_settings = [
    "ONBOARDER_CLOUD", "ONBOARDER_SECRET_STORE", "ONBOARDER_RESULTS", "ONBOARDER_QUEUE", "ONBOARDER_REPORT",
    "ONBOARDER_PROPAGATION_MINUTES", "ONBOARDER_TENANTS", "ONBOARDER_ISPM_HOSTS",
  ]
  flex_app_settings = merge(local.app_settings, {
    AzureWebJobsStorage__accountName      = azurerm_storage_account.host.name
    APPLICATIONINSIGHTS_CONNECTION_STRING = azurerm_application_insights.this.connection_string
  })
}

resource "azurerm_service_plan" "this" {
  #checkov:skip=CKV_AZURE_225:Every region has to do. What is not done now waits, in the queue and at Event Grid.
  #checkov:skip=CKV_AZURE_212:Flex Consumption and Premium scale by themselves. What is not done now waits, in the queue and at Event Grid.
  name                         = local.names.plan
  resource_group_name          = azurerm_resource_group.this.name
  location                     = azurerm_resource_group.this.location
  os_type                      = "Linux"
  sku_name                     = var.plan_sku
  maximum_elastic_worker_count = local.premium ? local.premium_instances : null
  tags                         = var.tags

  depends_on = [data.azapi_resource_action.flex_runtimes]
}
