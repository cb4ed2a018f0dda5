# What the team that owns the management groups applies: who may look, who may assign, and what is exported.

locals {
  guid = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

  # The one list of permissions, which the program and its tests read too.
  permissions = jsondecode(file("${path.module}/../../permissions.json"))

  scope = "/providers/Microsoft.Management/managementGroups/${var.management_group_name}"

  makes_event_hub = var.export_activity_log && var.event_hub == null

  resource_providers = concat(
    local.makes_event_hub ? ["Microsoft.EventHub"] : [],
    var.export_activity_log || var.export_entra_audit_log ? ["Microsoft.Insights"] : [],
  )
}

# Read so that a name that is not there fails the plan and not the apply.
data "azurerm_management_group" "this" {
  name = var.management_group_name
}

data "azuread_service_principals" "ispm_app" {
  for_each = var.read_directory ? toset([var.ispm_app_client_id]) : toset([])

  client_ids     = [each.value]
  ignore_missing = true

  lifecycle {
    postcondition {
      condition     = length(self.object_ids) == 1
      error_message = <<-EOT
        This tenant has no service principal of the app ${each.value}. Is it the client id, not the object id? Has ISPM's Microsoft Entra ID
        integration been finished in this tenant? `az ad sp list --display-name NAME --query "[].appId" -o tsv` finds the client id by name.
      EOT
    }

    postcondition {
      condition     = var.ispm_app_principal_id == null || contains(self.object_ids, lower(coalesce(var.ispm_app_principal_id, "-")))
      error_message = <<-EOT
        Entra's object id for the app ${each.value} is ${join("", self.object_ids)}, and ispm_app_principal_id is another. Leave it out, or
        take what `az ad sp show --id ${each.value} --query id -o tsv` prints. An app registration's object id is a different one.
      EOT
    }
  }
}

data "azuread_service_principals" "login" {
  for_each = var.read_directory ? toset([var.function_principal_id]) : toset([])

  object_ids     = [each.value]
  ignore_missing = true

  lifecycle {
    postcondition {
      condition     = length(self.client_ids) == 1
      error_message = <<-EOT
        function_principal_id ${each.value} is no service principal's object id in this tenant. `terraform -chdir=infra/azure/app output
        platform` has the right one; from a client id, `az ad sp show --id CLIENT_ID --query id -o tsv` gets it.
      EOT
    }
  }
}

locals {
  ispm_app_principal_id = lower(coalesce(
    var.ispm_app_principal_id,
    one(flatten([for found in data.azuread_service_principals.ispm_app : found.object_ids])),
  ))
}

# For the Event Hub, and for the alert on Entra's audit log.
resource "azurerm_resource_group" "this" {
  for_each = local.makes_event_hub || var.export_entra_audit_log ? toset(["platform"]) : toset([])

  name     = "rg-${var.name}-platform"
  location = var.location
  tags     = var.tags
}
