# Each alert has a section in docs/operate.md under its key, and each query one file in queries/alerts under the same.

locals {
  topic_ids = {
    events  = azurerm_eventgrid_topic.events.id
    results = azurerm_eventgrid_topic.results.id
  }

  # An alert fires when its metric's total over the window is above the threshold.
  topic_alerts = {
    dead-letters = {
      metric    = "DeadLetteredCount"
      severity  = 1
      threshold = 0
      what      = "Event Grid gave up delivering events and put them into the container dead-letters."
    }
    dropped-events = {
      metric    = "DroppedEventCount"
      severity  = 0
      threshold = 0
      what      = "Event Grid gave up delivering events and could not keep them either: they are gone."
    }
    unmatched-events = {
      metric    = "UnmatchedEventCount"
      severity  = 2
      threshold = 0
      what      = "Events came for which there is no event subscription: they are gone."
    }
    # One event that keeps failing is tried five times in its first quarter of an hour. One or two failures are a cold start.
    delivery-failures = {
      metric    = "DeliveryAttemptFailCount"
      severity  = 2
      threshold = 3
      what      = "Event Grid's deliveries keep failing. It tries again for 24 hours."
    }
  }

  alerts_by_topic = merge([
    for topic, id in local.topic_ids : {
      for key, alert in local.topic_alerts : "${key}-${topic}" => merge(alert, { key = key, id = id })
    }
  ]...)

  # An alert fires when its query has rows, and ends when it has none. Windows are longer than the time between two evaluations, since rows
  # come minutes late. Where there are dimensions, each of their values is an alert of its own, which names it. One that is not wanted is not
  # made.
  query_alerts = {
    failed = {
      severity   = 2
      every      = "PT15M"
      window     = "PT1H"
      dimensions = ["code"]
      what       = "Inputs ended as failed: they are not tried again by themselves."
    }
    blocked = {
      severity   = 3
      every      = "PT1H"
      window     = "PT2H"
      dimensions = ["code"]
      what       = "Scopes are kept out: by the tenant record's policy, by their state, or since Reader is missing and may not be assigned."
    }
    tenant-failed = {
      severity   = 1
      every      = "PT15M"
      window     = "PT1H"
      dimensions = ["tenant", "code"]
      what       = "Nothing of this tenant can be onboarded until its record, secrets or login are mended."
    }
    oldest-message = {
      severity   = 2
      every      = "PT30M"
      window     = "PT2H"
      dimensions = ["code"]
      what       = "Requests have waited for four hours and more. After 24 hours they fail."
    }
    queue-not-drained = {
      severity   = 1
      every      = "PT30M"
      window     = "PT6H"
      dimensions = []
      what       = "Messages lie in the queue onboarding, and nobody takes them."
    }
    poison-message = {
      severity   = 1
      every      = "PT15M"
      window     = "PT1H"
      dimensions = []
      what       = "A message failed five times and lies in the queue onboarding-poison, for a person to look at."
    }
    no-success = {
      severity   = 1
      every      = "PT1H"
      window     = "P2D"
      dimensions = []
      what       = "There has been trouble for a day, and nothing was onboarded in that time."
    }
    unfinished = {
      severity   = 2
      every      = "PT15M"
      window     = "PT1H"
      dimensions = ["function_name"]
      what       = "Calls of the function failed. The platform delivers again; a sweep comes with the next one."
    }
    missed-by-events = {
      severity   = 2
      every      = "PT1H"
      window     = "PT3H"
      dimensions = ["tenant"]
      what       = "Scopes that a sweep wanted an hour ago already are still to be onboarded: no event told of them."
      wanted     = var.sweep
    }
    no-sweep = {
      severity   = 1
      every      = "PT1H"
      window     = local.no_sweep_window
      dimensions = []
      what       = "No sweep ended for ${var.no_sweep_hours} hours, of one tenant or of all: what events miss stays unseen."
      wanted     = var.sweep
    }
    expiring-secrets = {
      severity   = 2
      every      = "PT1H"
      window     = local.no_sweep_window
      dimensions = ["tenant"]
      what       = "Secrets that a tenant's record names, or the login's certificate, expire within 60 days, or have expired."
      wanted     = var.sweep
    }
    not-set-up = {
      severity   = 0
      every      = "PT5M"
      window     = "PT1H"
      dimensions = []
      what       = "The handler cannot work with its configuration: every call is answered 503."
    }
  }

  # What all queries about inputs and sweeps begin with.
  common_queries = [for name in ["invocations", "sweeps"] : file("${path.module}/queries/${name}.kql")]
}

resource "azurerm_monitor_metric_alert" "topic" {
  for_each = local.alerts_by_topic

  name                = "alert-${var.name}-${each.key}"
  resource_group_name = azurerm_resource_group.this.name
  description         = "${each.value.what} What to do: docs/operate.md#alert-${each.value.key}"
  scopes              = [each.value.id]
  severity            = each.value.severity
  frequency           = "PT5M"
  window_size         = "PT15M"
  auto_mitigate       = true
  tags                = var.tags

  criteria {
    metric_namespace = "Microsoft.EventGrid/topics"
    metric_name      = each.value.metric
    aggregation      = "Total"
    operator         = "GreaterThan"
    threshold        = each.value.threshold
  }

  dynamic "action" {
    for_each = azurerm_monitor_action_group.this

    content {
      action_group_id = action.value.id
    }
  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "query" {
  for_each = { for key, alert in local.query_alerts : key => alert if try(alert.wanted, true) }

  name                    = "alert-${var.name}-${each.key}"
  display_name            = "alert-${var.name}-${each.key}"
  resource_group_name     = azurerm_resource_group.this.name
  location                = azurerm_resource_group.this.location
  description             = "${each.value.what} What to do: docs/operate.md#alert-${each.key}"
  scopes                  = [azurerm_log_analytics_workspace.this.id]
  severity                = each.value.severity
  evaluation_frequency    = each.value.every
  window_duration         = each.value.window
  auto_mitigation_enabled = true
  # A new workspace does not know its tables before their first rows. The queries are checked before they get here.
  skip_query_validation = true
  tags                  = var.tags

  criteria {
    query                   = join("\n", concat(local.common_queries, [file("${path.module}/queries/alerts/${each.key}.kql")]))
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0

    dynamic "dimension" {
      for_each = each.value.dimensions

      content {
        name     = dimension.value
        operator = "Include"
        values   = ["*"]
      }
    }

    failing_periods {
      minimum_failing_periods_to_trigger_alert = 1
      number_of_evaluation_periods             = 1
    }
  }

  dynamic "action" {
    for_each = azurerm_monitor_action_group.this

    content {
      action_groups = [action.value.id]
    }
  }
}
