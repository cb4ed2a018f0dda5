output "function_app_name" {
  description = "The function app."
  value       = local.names.function_app
}

output "resource_group_name" {
  description = "The resource group that holds everything."
  value       = azurerm_resource_group.this.name
}

output "vault_name" {
  description = "The vault with the tenant records. Whoever writes them needs the role Key Vault Secrets Officer on it."
  value       = azurerm_key_vault.this.name
}

output "events_topic_endpoint" {
  description = "Where a pipeline publishes onboarding events. It needs the role EventGrid Data Sender on the topic."
  value       = azurerm_eventgrid_topic.events.endpoint
}

output "results_topic_endpoint" {
  description = "The topic that results come out of."
  value       = azurerm_eventgrid_topic.results.endpoint
}

output "data_storage_account_name" {
  description = "The account with the queues onboarding, onboarding-poison and results, and the containers dead-letters and report."
  value       = azurerm_storage_account.data.name
}

output "publish_command" {
  description = <<-EOT
    Publishes the package; put its path in place of PACKAGE. On Premium and Dedicated plans whoever types it needs the role Storage Blob
    Data Contributor on the host's storage account.
  EOT
  value = join(" && ", local.flex ? [
    "az functionapp deployment source config-zip --ids ${local.function_app_id} --src PACKAGE",
    ] : [
    "az storage blob upload --auth-mode login --file PACKAGE --overwrite --blob-url ${local.package}",
    "az functionapp restart --ids ${local.function_app_id}",
    "az rest --method post --url ${local.function_app_id}/syncfunctiontriggers?api-version=2024-04-01",
  ])
}

output "record_command" {
  description = "Writes a tenant record; put the tenant's id and the file in place of TENANT and FILE."
  value       = "az keyvault secret set --vault-name ${azurerm_key_vault.this.name} --name ispm-onboarder-TENANT --file FILE"
}

output "onboard_command" {
  description = "Onboards one scope over HTTP; put the tenant's id and the scope in place of TENANT and SCOPE."
  value = join(" ", [
    "curl -sS https://${local.names.function_app}.${local.sites_suffix}/api/onboard --data '{\"tenantId\": \"TENANT\", \"scope\": \"SCOPE\"}'",
    "-H \"x-functions-key: $(az functionapp keys list --subscription ${var.subscription_id} -g ${azurerm_resource_group.this.name}",
    "-n ${local.names.function_app} --query functionKeys.default -o tsv)\"",
  ])
}

output "environment" {
  description = <<-EOT
    What `ispm-onboarder` on the command line reads of its environment, to work with what the function works with:
    export $(terraform -chdir=infra/azure/app output -raw environment)
  EOT
  value = join(" ", [
    for name, value in merge(
      { for name, value in local.app_settings : name => value if contains(local.typed_settings, name) },
      { ONBOARDER_DEAD_LETTERS = "${azurerm_storage_account.data.primary_blob_endpoint}${azurerm_storage_container.dead_letters.name}" },
    ) : "${name}=${value}"
  ])
}

output "platform" {
  description = <<-EOT
    For the team that owns the management groups:
    terraform -chdir=infra/azure/app output -json platform > infra/azure/platform/app.auto.tfvars.json
  EOT
  value = {
    cloud                      = var.cloud
    subscription_id            = var.subscription_id
    location                   = var.location
    name                       = var.name
    function_principal_id      = azurerm_user_assigned_identity.this.principal_id
    log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id
    alert_action_group_id      = one(values(azurerm_monitor_action_group.this)[*].id)
  }
}

output "wiring" {
  description = <<-EOT
    For the last stage, after the package is published:
    terraform -chdir=infra/azure/app output -json wiring > infra/azure/wiring/app.auto.tfvars.json
  EOT
  value = {
    cloud                      = var.cloud
    subscription_id            = var.subscription_id
    tenant_ids                 = [for tenant in var.tenant_ids : lower(tenant)]
    delivery                   = var.delivery
    function_app_id            = local.function_app_id
    events_topic_id            = azurerm_eventgrid_topic.events.id
    data_storage_account_id    = azurerm_storage_account.data.id
    queue_name                 = local.queue
    dead_letter_container_name = azurerm_storage_container.dead_letters.name
    vault_id                   = azurerm_key_vault.this.id
  }
}
