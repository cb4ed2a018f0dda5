output "management_group_display_name" {
  description = "What people call the management group: to see that it is the right one."
  value       = data.azurerm_management_group.this.display_name
}

output "ispm_app_principal_id" {
  description = "For the tenant record's `app.principalId`. With it the function needs no right in Microsoft Graph."
  value       = local.ispm_app_principal_id
}

output "policy_assign" {
  description = "For the tenant record's `policy.assign`."
  value       = var.grant_role_assignment ? "always" : "never"
}

output "custom_roles" {
  description = "The ids of the custom roles, by their keys in infra/permissions.json."
  value       = { for key, role in azurerm_role_definition.this : key => role.role_definition_resource_id }
}

output "reader_assignment_id" {
  description = "The id of Reader's assignment to the ISPM app; null where assign_reader is false."
  value       = one(values(azurerm_role_assignment.reader)[*].id)
}

output "activity_log_event_hub" {
  description = "Where the activity log goes: authorization rule and hub; null where it is not exported."
  value       = one(values(local.event_hub))
}

output "activity_log_event_hub_id" {
  description = "For the app stage's variable of the same name: the hub that this stage made; null where it made none."
  value       = one(values(azurerm_eventhub.activity_log)[*].id)
}
