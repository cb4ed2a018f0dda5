# The sweep, which finds what no event told of; its report; who is told when it does not come.

variable "sweep" {
  description = "Whether all subscriptions are looked at on a schedule. What no event told of is found in no other way."
  type        = bool
  default     = true
  nullable    = false
}

variable "sweep_schedule" {
  description = <<-EOT
    When, in UTC, as six fields: second, minute, hour, day, month, day of the week. `0 0 * * * *` is every hour, `0 30 5 * * *` every day at
    05:30; then set no_sweep_hours too.
  EOT
  type        = string
  default     = "0 0 * * * *"
  nullable    = false

  validation {
    condition     = can(regex("^[0-5]?[0-9]( [0-9,/*-]+){3}( [0-9A-Za-z,/*-]+){2}$", var.sweep_schedule))
    error_message = <<-EOT
      sweep_schedule has six fields, the first a number of seconds: `0 0 * * * *` is every hour. A crontab's five fields lack the seconds:
      https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
    EOT
  }

  validation {
    condition     = !can(regex("^[^ ]+ ([*]|[*]/[1-9]|[*]/1[0-4]|0/[1-9]|0/1[0-4]) ", var.sweep_schedule))
    error_message = "sweep_schedule is every quarter of an hour at most: a sweep may take ten minutes."
  }
}

variable "no_sweep_hours" {
  description = <<-EOT
    After how many hours without a sweep the alert no-sweep fires: 2, 3, 4, 5, 6, 24 or 48, the windows that an alert can have. Longer than
    the schedule's longest pause.
  EOT
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = contains([2, 3, 4, 5, 6, 24, 48], var.no_sweep_hours)
    error_message = "no_sweep_hours is 2, 3, 4, 5, 6, 24 or 48."
  }
}

locals {
  sweep_settings = merge(
    {
      ONBOARDER_SWEEP_SCHEDULE = var.sweep_schedule
      ONBOARDER_REPORT         = "${azurerm_storage_account.data.primary_blob_endpoint}${azurerm_storage_container.report.name}"
    },
    # https://learn.microsoft.com/azure/azure-functions/disable-function
    var.sweep ? {} : { "AzureWebJobs.Sweep.Disabled" = "true" },
  )

  # The report of a tenant that is served no more goes by itself. That of one that is swept is written anew each time.
  report_days = 90

  # An alert takes 24 hours and more as days.
  no_sweep_window = var.no_sweep_hours < 24 ? "PT${var.no_sweep_hours}H" : "P${floor(var.no_sweep_hours / 24)}D"
}

resource "azurerm_storage_container" "report" {
  #checkov:skip=CKV2_AZURE_21:Holds ids and names of tenants and scopes, and no secret; people read it through the function.
  name               = "report"
  storage_account_id = azurerm_storage_account.data.id
}
