# Where logs and metrics go, and who is told.

variable "log_retention_days" {
  description = <<-EOT
    How long logs are kept, 30 to 730 days. Application Insights' own tables keep 90 days at least, which costs nothing more.
  EOT
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains(range(30, 731), var.log_retention_days)
    error_message = "log_retention_days is a whole number from 30 to 730."
  }
}

variable "alert_emails" {
  description = <<-EOT
    Who is told of alerts, such as `["platform-oncall@contoso.com"]`: a mailbox that people on duty read. Without any, the alerts are made
    all the same, and stand in the portal under Monitor, Alerts and nowhere else.
  EOT
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alert_emails are addresses, such as platform-oncall@contoso.com."
  }
}

# There is no daily cap: behind it the alerts would be blind for the rest of the day, on the day with the most to tell.
resource "azurerm_log_analytics_workspace" "this" {
  name                         = "log-${var.name}"
  resource_group_name          = azurerm_resource_group.this.name
  location                     = azurerm_resource_group.this.location
  retention_in_days            = var.log_retention_days
  local_authentication_enabled = false
  tags                         = var.tags
}

# Ingestion stays public, with Entra tokens only. A private link scope would redirect all of a network's traffic to Azure Monitor, that of
# others too: that is for the team that owns the network.
resource "azurerm_application_insights" "this" {
  name                          = "appi-${var.name}"
  resource_group_name           = azurerm_resource_group.this.name
  location                      = azurerm_resource_group.this.location
  workspace_id                  = azurerm_log_analytics_workspace.this.id
  application_type              = "web"
  sampling_percentage           = 100
  local_authentication_disabled = true
  tags                          = var.tags
}

# Reads are left out: the host polls its queue all day long, and no alert asks for that.
resource "azurerm_monitor_diagnostic_setting" "queue" {
  name                       = "to-${azurerm_log_analytics_workspace.this.name}"
  target_resource_id         = "${azurerm_storage_account.data.id}/queueServices/default"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id

  enabled_log {
    category = "StorageWrite"
  }

  enabled_log {
    category = "StorageDelete"
  }
}

resource "azurerm_monitor_diagnostic_setting" "topic" {
  for_each = local.topic_ids

  name                           = "to-${azurerm_log_analytics_workspace.this.name}"
  target_resource_id             = each.value
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.this.id
  log_analytics_destination_type = "Dedicated"

  enabled_log {
    category = "DeliveryFailures"
  }

  enabled_log {
    category = "PublishFailures"
  }
}

# Who read which secret.
resource "azurerm_monitor_diagnostic_setting" "vault" {
  name                           = "to-${azurerm_log_analytics_workspace.this.name}"
  target_resource_id             = azurerm_key_vault.this.id
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.this.id
  log_analytics_destination_type = "Dedicated"

  enabled_log {
    category = "AuditEvent"
  }
}

resource "azurerm_monitor_action_group" "this" {
  for_each = length(var.alert_emails) > 0 ? toset(["emails"]) : toset([])

  name                = "ag-${var.name}"
  resource_group_name = azurerm_resource_group.this.name
  short_name          = var.name
  tags                = var.tags

  dynamic "email_receiver" {
    for_each = var.alert_emails

    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

output "query_command" {
  description = <<-EOT
    Asks one of infra/azure/app/queries/alerts; put the alert's name in place of NAME. Once before: az extension add --name log-analytics
  EOT
  value = join(" ", [
    "az monitor log-analytics query --workspace ${azurerm_log_analytics_workspace.this.workspace_id} --timespan P2D --output json",
    "--analytics-query \"$(cat infra/azure/app/queries/{invocations,sweeps,alerts/NAME}.kql)\"",
  ])
}
