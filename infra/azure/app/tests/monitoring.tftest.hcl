# Every alert has its query, its words and its place; nothing that they ask for is left out of the logs.

mock_provider "azurerm" {
  mock_data "azurerm_client_config" {
    defaults = {
      subscription_id = "0b1f6471-1bf0-4dda-aec3-111122223333"
      tenant_id       = "519aadd0-caeb-5ef8-b1b9-046051535bc3"
      object_id       = "12a8cfc2-5fd4-5ada-b974-3aae4da2ffec"
    }
  }
}

mock_provider "azapi" {
  mock_data "azapi_resource_action" {
    defaults = {
      output = {
        registrationState = "Registered"
        names             = ["West Europe"]
        versions          = ["1.0"]
      }
    }
  }
}

mock_provider "random" {
  mock_resource "random_string" {
    defaults = {
      result = "ab1cd"
    }
  }
}

variables {
  subscription_id = "0b1f6471-1bf0-4dda-aec3-111122223333"
  location        = "westeurope"
}

run "logs_are_kept_and_need_no_key" {
  assert {
    condition = (
      azurerm_log_analytics_workspace.this.name == "log-ispm" &&
      azurerm_log_analytics_workspace.this.retention_in_days == 90 &&
      azurerm_log_analytics_workspace.this.local_authentication_enabled == false
    )
    error_message = "The workspace keeps 90 days and takes Entra tokens only."
  }

  assert {
    condition = (
      azurerm_application_insights.this.name == "appi-ispm" &&
      azurerm_application_insights.this.workspace_id == azurerm_log_analytics_workspace.this.id &&
      azurerm_application_insights.this.local_authentication_disabled &&
      azurerm_application_insights.this.sampling_percentage == 100
    )
    error_message = "Application Insights writes all of it into the workspace, and takes Entra tokens only."
  }
}

run "the_logs_hold_what_the_alerts_ask_for" {
  assert {
    condition = (
      toset(azurerm_monitor_diagnostic_setting.queue.enabled_log[*].category) == toset(["StorageWrite", "StorageDelete"]) &&
      endswith(azurerm_monitor_diagnostic_setting.queue.target_resource_id, "/queueServices/default")
    )
    error_message = "Puts and deletes of the queues are logged: poison-message and queue-not-drained ask for them."
  }

  assert {
    condition = alltrue([
      for topic in ["events", "results"] :
      toset(azurerm_monitor_diagnostic_setting.topic[topic].enabled_log[*].category) == toset(["DeliveryFailures", "PublishFailures"]) &&
      azurerm_monitor_diagnostic_setting.topic[topic].log_analytics_destination_type == "Dedicated"
    ])
    error_message = "Both topics log their failures, into tables of their own: the workbook asks AegDeliveryFailureLogs."
  }

  assert {
    condition     = azurerm_monitor_diagnostic_setting.vault.enabled_log[*].category == tolist(["AuditEvent"])
    error_message = "The vault logs who read what."
  }

  assert {
    condition = alltrue([
      for query in ["queue-not-drained", "poison-message"] : anytrue([
        for queue in values(azurerm_storage_queue.this)[*].name :
        strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.query[query].criteria[0].query, "\"/${queue}/messages\"")
      ])
    ])
    error_message = "Both queries name a queue that is made."
  }
}

run "every_query_is_an_alert" {
  assert {
    condition = (
      toset([for file in fileset("queries/alerts", "*.kql") : trimsuffix(file, ".kql")])
      == toset(keys(azurerm_monitor_scheduled_query_rules_alert_v2.query))
    )
    error_message = "A file of queries/alerts without an alert, or the other way round."
  }

  assert {
    condition = alltrue([
      for key, alert in azurerm_monitor_scheduled_query_rules_alert_v2.query : alltrue([
        alert.name == "alert-ispm-${key}",
        endswith(alert.description, "docs/operate.md#alert-${key}"),
        alert.scopes == tolist([azurerm_log_analytics_workspace.this.id]),
        startswith(alert.criteria[0].query, join("\n", [file("queries/invocations.kql"), file("queries/sweeps.kql")])),
        endswith(alert.criteria[0].query, file("queries/alerts/${key}.kql")),
        alert.criteria[0].time_aggregation_method == "Count",
        alert.auto_mitigation_enabled,
      ])
    ])
    error_message = "Each has its name, where to read on, the workspace, and its query."
  }

  assert {
    condition = alltrue(flatten([
      for key, alert in azurerm_monitor_scheduled_query_rules_alert_v2.query : [
        for dimension in alert.criteria[0].dimension :
        can(regex("\\b${dimension.name}\\b", file("queries/alerts/${key}.kql"))) && dimension.values == tolist(["*"])
      ]
    ]))
    error_message = "A dimension is a column of its query."
  }
}

run "a_sweep_that_does_not_come" {
  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.query["no-sweep"].window_duration == "PT3H"
    error_message = "Three hours without an hourly sweep."
  }
}

run "a_daily_sweep_that_does_not_come" {
  variables {
    sweep_schedule = "0 30 5 * * *"
    no_sweep_hours = 48
  }

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.query["no-sweep"].window_duration == "P2D"
    error_message = "Two days without a daily one."
  }
}

run "without_a_sweep_there_is_nothing_to_miss" {
  variables {
    sweep = false
  }

  assert {
    condition = length(setintersection(
      keys(azurerm_monitor_scheduled_query_rules_alert_v2.query), ["no-sweep", "missed-by-events", "expiring-secrets"],
    )) == 0
    error_message = "These alerts are the sweep's."
  }
}

run "event_grid_is_watched_on_both_topics" {
  assert {
    condition = toset(keys(azurerm_monitor_metric_alert.topic)) == toset([
      "dead-letters-events", "dead-letters-results", "delivery-failures-events", "delivery-failures-results",
      "dropped-events-events", "dropped-events-results", "unmatched-events-events", "unmatched-events-results",
    ])
    error_message = "Dead letters, dropped and unmatched events, and failed deliveries, of both topics."
  }

  assert {
    condition = (
      azurerm_monitor_metric_alert.topic["dead-letters-events"].scopes == toset([azurerm_eventgrid_topic.events.id]) &&
      azurerm_monitor_metric_alert.topic["dead-letters-events"].criteria[0].metric_name == "DeadLetteredCount" &&
      azurerm_monitor_metric_alert.topic["dead-letters-events"].criteria[0].threshold == 0 &&
      endswith(azurerm_monitor_metric_alert.topic["dead-letters-events"].description, "docs/operate.md#alert-dead-letters")
    )
    error_message = "One dead letter is enough."
  }
}

run "without_addresses_nobody_is_told_and_every_alert_is_there" {
  assert {
    condition = (
      length(azurerm_monitor_action_group.this) == 0 &&
      alltrue([for alert in azurerm_monitor_scheduled_query_rules_alert_v2.query : length(alert.action) == 0]) &&
      alltrue([for alert in azurerm_monitor_metric_alert.topic : length(alert.action) == 0])
    )
    error_message = "An action group without receivers tells nobody."
  }
}

run "with_addresses_every_alert_tells_them" {
  variables {
    alert_emails = ["oncall@contoso.com", "cloud@contoso.com"]
  }

  assert {
    condition = (
      toset(azurerm_monitor_action_group.this["emails"].email_receiver[*].email_address)
      == toset(["oncall@contoso.com", "cloud@contoso.com"])
    )
    error_message = "Both are told."
  }

  assert {
    condition = (
      alltrue([for alert in azurerm_monitor_scheduled_query_rules_alert_v2.query : length(alert.action) == 1]) &&
      alltrue([for alert in azurerm_monitor_metric_alert.topic : length(alert.action) == 1])
    )
    error_message = "No alert is left out."
  }
}

run "the_workbook_is_one_document" {
  assert {
    condition = (
      jsondecode(azurerm_application_insights_workbook.this.data_json).version == "Notebook/1.0" &&
      length(jsondecode(azurerm_application_insights_workbook.this.data_json).items) == length(local.panels) + 2
    )
    error_message = "Parameters, help, and one item a panel."
  }

  assert {
    condition = length(setsubtract(
      [for file in fileset("queries/workbook", "*.kql") : "workbook/${trimsuffix(file, ".kql")}"], local.panels[*].query,
    )) == 0
    error_message = "A file of queries/workbook that no panel shows."
  }
}

run "a_short_memory" {
  command = plan

  variables {
    log_retention_days = 29
  }

  expect_failures = [var.log_retention_days]
}

run "half_a_day" {
  command = plan

  variables {
    log_retention_days = 90.5
  }

  expect_failures = [var.log_retention_days]
}

run "a_name_where_an_address_is_asked" {
  command = plan

  variables {
    alert_emails = ["oncall"]
  }

  expect_failures = [var.alert_emails]
}
