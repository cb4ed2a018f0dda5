# Elevating one's access stands in this log under the service "Azure RBAC (Elevated Access)"; queries/ has the question for it.
resource "azurerm_monitor_aad_diagnostic_setting" "audit" {
  for_each = var.export_entra_audit_log ? toset(["audit"]) : toset([])

  name                       = "ispm-onboarder"
  log_analytics_workspace_id = var.log_analytics_workspace_id

  enabled_log {
    category = "AuditLogs"
  }
}
