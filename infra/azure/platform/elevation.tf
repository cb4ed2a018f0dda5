# A right that nobody gave: a Global Administrator can make themselves User Access Administrator over all of Azure, and stays it until they
# step down.

variable "alert_action_group_id" {
  description = <<-EOT
    Who is told when somebody elevated their access and did not step down: an action group's id, such as the one that `terraform
    -chdir=infra/azure/app output platform` hands on. Without one, the alert stands in the portal under Monitor, Alerts and nowhere else.
  EOT
  type        = string
  default     = null

  validation {
    condition = var.alert_action_group_id == null || can(regex(
      "(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Insights/actionGroups/[^/]+$",
      var.alert_action_group_id,
    ))
    error_message = <<-EOT
      alert_action_group_id is the group's full id, not its name: `az monitor action-group list --query "[].id" -o tsv`.
    EOT
  }
}

locals {
  elevation_words = "Somebody elevated their access over all of Azure, and did not step down within an hour."
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "elevation" {
  for_each = var.export_entra_audit_log ? toset(["elevation"]) : toset([])

  name                    = "alert-${var.name}-elevation-without-step-down"
  display_name            = "alert-${var.name}-elevation-without-step-down"
  resource_group_name     = azurerm_resource_group.this["platform"].name
  location                = var.location
  description             = "${local.elevation_words} What to do: docs/operate.md#alert-elevation-without-step-down"
  scopes                  = [var.log_analytics_workspace_id]
  severity                = 1
  evaluation_frequency    = "PT15M"
  window_duration         = "P2D"
  auto_mitigation_enabled = true
  # The workspace does not know the table before the first entry. The query is checked before it gets here.
  skip_query_validation = true
  tags                  = var.tags

  criteria {
    query                   = file("${path.module}/queries/elevation-without-step-down.kql")
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0

    # Each principal is an alert of its own, which names it.
    dimension {
      name     = "name"
      operator = "Include"
      values   = ["*"]
    }

    failing_periods {
      minimum_failing_periods_to_trigger_alert = 1
      number_of_evaluation_periods             = 1
    }
  }

  dynamic "action" {
    for_each = var.alert_action_group_id == null ? [] : [var.alert_action_group_id]

    content {
      action_groups = [action.value]
    }
  }

  depends_on = [azurerm_monitor_aad_diagnostic_setting.audit]
}
