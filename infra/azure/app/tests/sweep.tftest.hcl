# What is looked at by itself, what is read of the activity log, who calls: on, off, and on both kinds of plan.

mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

mock_provider "random" {
  source = "./tests/mocks/random"
}

variables {
  subscription_id = "0b1f6471-1bf0-4dda-aec3-111122223333"
  location        = "westeurope"
}

run "off" {
  variables {
    sweep = false
  }

  assert {
    condition = {
      for setting in azapi_resource.flex["this"].body.properties.siteConfig.appSettings : setting.name => setting.value
      if strcontains(setting.name, "SWEEP") || strcontains(setting.name, "Disabled")
      } == {
      "AzureWebJobs.OnActivityLog.Disabled" = "true"
      "AzureWebJobs.Sweep.Disabled"         = "true"
      ONBOARDER_SWEEP_SCHEDULE              = "0 0 * * * *"
    }
    error_message = "Both triggers are off, and the timer still has a schedule that the host can read."
  }
}

run "everything_on" {
  variables {
    sweep_schedule            = "0 30 5 * * MON-FRI"
    activity_log_event_hub_id = "/subscriptions/L/resourceGroups/logs/providers/Microsoft.EventHub/namespaces/ns/eventhubs/activity"
    entra_audience            = ["api://ispm-onboarder"]
    entra_callers             = ["519AADD0-caeb-5ef8-b1b9-046051535bc3=all"]
  }

  assert {
    condition = {
      for setting in azapi_resource.flex["this"].body.properties.siteConfig.appSettings : setting.name => setting.value
      if anytrue([for part in ["SWEEP", "ACTIVITY_LOG", "ENTRA", "Disabled"] : strcontains(setting.name, part)])
      } == {
      ONBOARDER_ACTIVITY_LOG_HUB                      = "activity"
      ONBOARDER_ACTIVITY_LOG__clientId                = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
      ONBOARDER_ACTIVITY_LOG__credential              = "managedidentity"
      ONBOARDER_ACTIVITY_LOG__fullyQualifiedNamespace = "ns.servicebus.windows.net"
      ONBOARDER_ENTRA_AUDIENCE                        = "api://ispm-onboarder"
      ONBOARDER_ENTRA_CALLERS                         = "519aadd0-caeb-5ef8-b1b9-046051535bc3=all"
      ONBOARDER_SWEEP_SCHEDULE                        = "0 30 5 * * MON-FRI"
    }
    error_message = "The hub is read as the function's identity, without a key; the rest is as asked; nothing is off."
  }
}

run "everything_on_with_a_plan" {
  variables {
    plan_sku                  = "EP1"
    activity_log_event_hub_id = "/subscriptions/L/resourceGroups/logs/providers/Microsoft.EventHub/namespaces/ns/eventhubs/activity"
    entra_audience            = ["api://ispm-onboarder"]
    entra_callers             = ["519aadd0-caeb-5ef8-b1b9-046051535bc3"]
  }

  assert {
    condition = (
      azurerm_linux_function_app.this["this"].app_settings["ONBOARDER_ACTIVITY_LOG__fullyQualifiedNamespace"] == "ns.servicebus.windows.net" &&
      azurerm_linux_function_app.this["this"].app_settings["ONBOARDER_ENTRA_CALLERS"] == "519aadd0-caeb-5ef8-b1b9-046051535bc3" &&
      length([for name in keys(azurerm_linux_function_app.this["this"].app_settings) : name if endswith(name, ".Disabled")]) == 0
    )
    error_message = "The same there."
  }
}

run "what_the_command_line_needs" {
  variables {
    tenant_ids = ["519aadd0-caeb-5ef8-b1b9-046051535bc3"]
  }

  assert {
    condition = toset(split(" ", output.environment)) == toset([
      "ONBOARDER_CLOUD=public",
      "ONBOARDER_DEAD_LETTERS=https://stispmdataab1cd.blob.core.windows.net/dead-letters",
      "ONBOARDER_PROPAGATION_MINUTES=60",
      "ONBOARDER_QUEUE=https://stispmdataab1cd.queue.core.windows.net/onboarding",
      "ONBOARDER_REPORT=https://stispmdataab1cd.blob.core.windows.net/report",
      "ONBOARDER_RESULTS=https://evgt-ispm-results-ab1cd.westeurope-1.eventgrid.azure.net/api/events",
      "ONBOARDER_SECRET_STORE=https://kv-ispm-ab1cd.vault.azure.net",
      "ONBOARDER_TENANTS=519aadd0-caeb-5ef8-b1b9-046051535bc3",
    ])
    error_message = "Where the function's things are, and nothing of its identity."
  }
}
