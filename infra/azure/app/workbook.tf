# The workbook: the same queries as the alerts ask, and those of queries/workbook.

locals {
  # What is shown, from top to bottom: a file, its title and its form.
  panels = [
    { query = "workbook/outcomes", title = "How inputs ended", visualization = "barchart" },
    { query = "workbook/tenants", title = "Each tenant", visualization = "table" },
    { query = "workbook/sweeps", title = "Each tenant's last sweep", visualization = "table" },
    { query = "alerts/missed-by-events", title = "What sweeps still found after an hour", visualization = "table" },
    { query = "alerts/expiring-secrets", title = "Secrets that expire within 60 days, by tenant", visualization = "table" },
    { query = "alerts/tenant-failed", title = "Tenants to be mended", visualization = "table" },
    { query = "workbook/codes", title = "The last 50 that were not simply onboarded", visualization = "table" },
    { query = "workbook/waiting", title = "How long requests have waited, in minutes", visualization = "timechart" },
    { query = "alerts/oldest-message", title = "Requests that have waited for four hours and more", visualization = "table" },
    { query = "workbook/slow-calls", title = "The slowest calls", visualization = "table" },
    { query = "workbook/throttling", title = "Calls refused as too many", visualization = "barchart" },
    { query = "workbook/event-grid", title = "Deliveries that Event Grid failed to make", visualization = "table" },
    { query = "alerts/unfinished", title = "Calls of the function that failed", visualization = "table" },
  ]

  panel_queries = concat(local.common_queries, [file("${path.module}/queries/calls.kql")])

  # How the documents of workbooks call things; their schema is
  # https://github.com/microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json
  workbook = {
    text       = 1
    query      = 3
    parameters = 9
    time_range = 4
    logs       = 0
    medium     = 0
    workspaces = "microsoft.operationalinsights/workspaces"
    day        = 24 * 60 * 60 * 1000
  }

  time_range = {
    id           = uuidv5("dns", "time-range.ispm-onboarder")
    version      = "KqlParameterItem/1.0"
    name         = "TimeRange"
    label        = "Time"
    type         = local.workbook.time_range
    isRequired   = true
    typeSettings = { selectableValues = [for days in [1, 2, 7, 30, 90] : { durationMs = days * local.workbook.day }], allowCustom = true }
    value        = { durationMs = 7 * local.workbook.day }
  }
}

resource "azurerm_application_insights_workbook" "this" {
  name                = uuidv5("dns", "${var.name}.${var.subscription_id}.ispm-onboarder")
  display_name        = "ISPM onboarding (${var.name})"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  source_id           = lower(azurerm_log_analytics_workspace.this.id)
  tags                = var.tags

  data_json = jsonencode({
    "$schema" = "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"
    version   = "Notebook/1.0"
    items = concat(
      [
        {
          type = local.workbook.parameters
          name = "parameters"
          content = {
            version      = "KqlParameterItem/1.0"
            parameters   = [local.time_range]
            style        = "pills"
            queryType    = local.workbook.logs
            resourceType = local.workbook.workspaces
          }
        },
        {
          type    = local.workbook.text
          name    = "help"
          content = { json = "Each code and each alert, and what to do about it: docs/operate.md." }
        },
      ],
      [
        for panel in local.panels : {
          type = local.workbook.query
          name = panel.query
          content = {
            version                  = "KqlItem/1.0"
            title                    = panel.title
            query                    = join("\n", concat(local.panel_queries, [file("${path.module}/queries/${panel.query}.kql")]))
            visualization            = panel.visualization
            crossComponentResources  = [azurerm_log_analytics_workspace.this.id]
            size                     = local.workbook.medium
            timeContextFromParameter = local.time_range.name
            queryType                = local.workbook.logs
            resourceType             = local.workbook.workspaces
          }
        }
      ],
    )
    fallbackResourceIds = [azurerm_log_analytics_workspace.this.id]
  })
}
