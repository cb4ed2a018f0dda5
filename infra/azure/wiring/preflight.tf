# Events that come before all is ready would fail one by one. So it is asked first.

locals {
  record_names   = [for tenant in var.tenant_ids : "ispm-onboarder-${lower(tenant)}"]
  record_command = "az keyvault secret set --vault-name ${basename(var.vault_id)} --file record.json --name"
}

data "azapi_resource" "function" {
  for_each = toset(var.delivery == "function" ? ["this"] : [])

  type             = "Microsoft.Web/sites/functions@2024-04-01"
  resource_id      = local.function_id
  ignore_not_found = true

  lifecycle {
    postcondition {
      condition     = self.exists
      error_message = <<-EOT
        ${basename(var.function_app_id)} has no function OnOnboardingEvent. Publish the package first; this prints the command:
        terraform -chdir=infra/azure/app output -raw publish_command
      EOT
    }
  }
}

# Names only; no value is read.
data "azurerm_key_vault_secrets" "this" {
  for_each = toset(var.check_tenant_records ? ["this"] : [])

  key_vault_id = var.vault_id

  lifecycle {
    postcondition {
      condition     = length(setsubtract(local.record_names, self.names)) == 0
      error_message = <<-EOT
        A tenant is to be served that has no record in the vault. docs/tenant-record.md has examples:
        ${join("\n", [for name in setsubtract(local.record_names, self.names) : "${local.record_command} ${name}"])}
      EOT
    }
    postcondition {
      condition     = length(var.tenant_ids) > 0 || anytrue([for name in self.names : can(regex("^ispm-onboarder-[0-9a-f-]{36}$", name))])
      error_message = <<-EOT
        The vault has no tenant record, so no event could be taken up. docs/tenant-record.md has examples:
        ${local.record_command} ispm-onboarder-TENANT
      EOT
    }
  }
}
