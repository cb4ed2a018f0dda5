# What Azure would refuse late, or not at all, is asked before anything is made.

locals {
  resource_providers = concat(
    [
      "Microsoft.EventGrid",
      "Microsoft.KeyVault",
      "Microsoft.ManagedIdentity",
      "Microsoft.OperationalInsights",
      "Microsoft.Storage",
      "Microsoft.Web",
      # In lower case, as Azure has it: azurerm compares names letter by letter.
      "microsoft.insights",
    ],
    local.private ? ["Microsoft.Network"] : [],
    local.private && local.flex ? ["Microsoft.App"] : [],
  )

  # The id is taken from azurerm, so that azurerm has registered the resource providers before they are asked for.
  subscription = "/subscriptions/${data.azurerm_client_config.current.subscription_id}"
}

data "azurerm_client_config" "current" {}

data "azapi_resource_action" "resource_provider" {
  for_each = toset(local.resource_providers)

  type                   = "Microsoft.Resources/providers@2021-04-01"
  resource_id            = "${local.subscription}/providers/${each.key}"
  method                 = "GET"
  response_export_values = ["registrationState"]

  lifecycle {
    postcondition {
      condition     = self.output.registrationState == "Registered"
      error_message = <<-EOT
        The subscription is not registered for ${each.key} (${self.output.registrationState}). Let somebody who may register it type:
        az provider register --wait --namespace ${each.key} --subscription ${var.subscription_id}
      EOT
    }
  }
}

# What `az functionapp list-flexconsumption-locations` asks.
data "azapi_resource_action" "flex_regions" {
  for_each = toset(local.flex ? ["this"] : [])

  type                   = "Microsoft.Web@2024-04-01"
  resource_id            = "${local.subscription}/providers/Microsoft.Web"
  action                 = "geoRegions"
  method                 = "GET"
  query_parameters       = { sku = ["FlexConsumption"] }
  response_export_values = { names = "value[].name" }
  depends_on             = [data.azapi_resource_action.resource_provider]

  lifecycle {
    postcondition {
      condition = contains([for name in self.output.names : lower(replace(name, " ", ""))], var.location)
      error_message = join(" ", [
        "Flex Consumption is not in ${var.location}. It is in",
        join(", ", sort([for name in self.output.names : lower(replace(name, " ", ""))])),
        "(`az functionapp list-flexconsumption-locations -o table`). Choose another location, or plan_sku = \"EP1\".",
      ])
    }
  }
}

# What `az functionapp list-flexconsumption-runtimes` asks. Azure takes a version that is not there, and the app then never starts.
data "azapi_resource_action" "flex_runtimes" {
  for_each = toset(local.flex ? ["this"] : [])

  type             = "Microsoft.Web/locations@2020-10-01"
  resource_id      = "/providers/Microsoft.Web/locations/${var.location}"
  action           = "functionAppStacks"
  method           = "GET"
  query_parameters = { stack = ["custom"], removeHiddenStacks = ["true"], removeDeprecatedStacks = ["true"] }
  response_export_values = {
    versions = join(".", [
      "value[].properties.majorVersions[].minorVersions[].stackSettings.linuxRuntimeSettings.Sku[]",
      "functionAppConfigProperties.runtime.version",
    ])
  }
  depends_on = [data.azapi_resource_action.flex_regions]

  lifecycle {
    postcondition {
      condition     = contains(self.output.versions, var.runtime_version)
      error_message = <<-EOT
        ${var.location} has no version ${var.runtime_version} of the runtime custom, but ${join(", ", self.output.versions)}
        (`az functionapp list-flexconsumption-runtimes --location ${var.location} --runtime custom`). Set runtime_version.
      EOT
    }
  }
}
