# The management group's activity log, where stage platform or somebody else brings it into an Event Hub.

variable "activity_log_event_hub_id" {
  description = <<-EOT
    The Event Hub with the activity log, by its full id: `terraform -chdir=infra/azure/platform output activity_log_event_hub_id`, or
    `az eventhubs eventhub show -g GROUP --namespace-name NAMESPACE -n HUB --query id -o tsv`. Its firewall has to let the function in:
    docs/deploy-azure.md. Without it the function that reads it is off.
  EOT
  type        = string
  default     = null

  validation {
    condition = var.activity_log_event_hub_id == null || can(regex(
      "(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft[.]EventHub/namespaces/[^/]+/eventhubs/[^/]+$",
      var.activity_log_event_hub_id,
    ))
    error_message = <<-EOT
      activity_log_event_hub_id is the full id of a hub, /subscriptions/…/namespaces/NAMESPACE/eventhubs/HUB:
      `az eventhubs eventhub show -g GROUP --namespace-name NAMESPACE -n HUB --query id -o tsv`.
    EOT
  }
}

locals {
  # https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
  service_bus_suffix = { public = "servicebus.windows.net", usgovernment = "servicebus.usgovcloudapi.net" }[var.cloud]
  reads_activity_log = var.activity_log_event_hub_id != null
  event_hub_parts    = split("/", coalesce(var.activity_log_event_hub_id, "/"))

  activity_log_settings = local.reads_activity_log ? {
    ONBOARDER_ACTIVITY_LOG_HUB                      = local.event_hub_parts[10]
    ONBOARDER_ACTIVITY_LOG__fullyQualifiedNamespace = "${local.event_hub_parts[8]}.${local.service_bus_suffix}"
    ONBOARDER_ACTIVITY_LOG__credential              = "managedidentity"
    ONBOARDER_ACTIVITY_LOG__clientId                = azurerm_user_assigned_identity.this.client_id
    } : {
    # A trigger without its settings would be an error at each start of the host.
    "AzureWebJobs.OnActivityLog.Disabled" = "true"
  }
}
