variable "allow_offboarding" {
  description = <<-EOT
    Whether the function may remove roles again, held by a condition to Reader of the ISPM app. The function removes only what it assigned
    itself, and only when the scope is gone or excluded, or a person asks. Without it, offboarding ends in `authorization-failed`.
  EOT
  type        = bool
  default     = false
  nullable    = false
}

locals {
  # A condition that is not listed here stops the plan: better than a role that is missing, or one too many.
  role_conditions = {
    "always"                        = true
    "unless policy.assign is never" = var.grant_role_assignment
    "offboarding is allowed"        = var.allow_offboarding
  }

  roles = {
    for role in local.permissions.customRoles : role.key => {
      name        = "${role.name}${var.role_name_suffix}"
      description = role.description
      actions     = [for permission in role.permissions : permission.action]
      condition   = try(role.condition, null)
    }
    if local.role_conditions[role.when]
  }

  # The namespace of ARM's guid() function; src/azure/names.rs has it too.
  arm_guid_namespace = "11fb06fb-712d-4ddd-98c7-e71bbd588830"

  reader = one([for role in local.permissions.builtInRoles : role.id if role.holder == "ispm-app"])
}

resource "azurerm_role_definition" "this" {
  for_each = local.roles

  name              = each.value.name
  description       = each.value.description
  scope             = local.scope
  assignable_scopes = [local.scope]

  permissions {
    actions = each.value.actions
  }
}

resource "azurerm_role_assignment" "login" {
  for_each = local.roles

  scope              = local.scope
  role_definition_id = azurerm_role_definition.this[each.key].role_definition_resource_id
  principal_id       = var.function_principal_id
  principal_type     = "ServicePrincipal"
  description        = "Set by Terraform: ${each.value.description}"

  condition = (
    each.value.condition == null
    ? null
    : replace(replace(each.value.condition, "{READER}", "{${local.reader}}"), "{PRINCIPAL}", "{${local.ispm_app_principal_id}}")
  )
  condition_version = each.value.condition == null ? null : "2.0"

  depends_on = [data.azuread_service_principals.login]
}

# The program would assign under the same name, so that the two meet at one assignment. Its description is not the program's mark: the
# program takes back only what bears that mark, and this is Terraform's.
resource "azurerm_role_assignment" "reader" {
  for_each = var.assign_reader ? toset(["ispm-app"]) : toset([])

  name               = uuidv5(local.arm_guid_namespace, lower(join("-", [local.scope, local.ispm_app_principal_id, local.reader])))
  scope              = local.scope
  role_definition_id = "/providers/Microsoft.Authorization/roleDefinitions/${local.reader}"
  principal_id       = local.ispm_app_principal_id
  principal_type     = "ServicePrincipal"
  description        = "Set by Terraform: Reader for Okta ISPM"
}

check "reader_is_given" {
  assert {
    condition     = var.assign_reader || var.grant_role_assignment
    error_message = <<-EOT
      Nobody gives the ISPM app Reader: assign_reader and grant_role_assignment are both false. The function only looks, and publishes
      `blocked` with code role-missing for each scope, unless Reader is assigned elsewhere. Set one of the two to true.
    EOT
  }
}
