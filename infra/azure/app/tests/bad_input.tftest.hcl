# What is wrong is refused before anything is made, and the message says how to find what is right.

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

run "a_subscription_with_its_path" {
  command = plan

  variables {
    subscription_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333"
  }

  expect_failures = [var.subscription_id]
}

run "a_regions_display_name" {
  command = plan

  variables {
    location = "West Europe"
  }

  expect_failures = [var.location]
}

run "a_name_with_a_capital" {
  command = plan

  variables {
    name = "Ispm"
  }

  expect_failures = [var.name]
}

run "a_name_too_long" {
  command = plan

  variables {
    name = "ispmonboard"
  }

  expect_failures = [var.name]
}

run "a_name_too_short" {
  command = plan

  variables {
    name = "i"
  }

  expect_failures = [var.name]
}

run "a_name_that_begins_with_a_digit" {
  command = plan

  variables {
    name = "1spm"
  }

  expect_failures = [var.name]
}

run "a_domain_where_a_tenant_id_is_asked" {
  command = plan

  variables {
    tenant_ids = ["contoso.onmicrosoft.com"]
  }

  expect_failures = [var.tenant_ids]
}

run "an_address_where_a_host_is_asked" {
  command = plan

  variables {
    ispm_hosts = ["https://contoso.spera-app.com"]
  }

  expect_failures = [var.ispm_hosts]
}

run "any_host" {
  command = plan

  variables {
    ispm_hosts = ["*"]
  }

  expect_failures = [var.ispm_hosts]
}

run "any_host_of_a_top_level_domain" {
  command = plan

  variables {
    ispm_hosts = ["*.com"]
  }

  expect_failures = [var.ispm_hosts]
}

run "an_ip_address" {
  command = plan

  variables {
    ispm_hosts = ["169.254.169.254"]
  }

  expect_failures = [var.ispm_hosts]
}

run "no_time_to_propagate" {
  command = plan

  variables {
    propagation_minutes = 0
  }

  expect_failures = [var.propagation_minutes]
}

run "more_than_a_day_to_propagate" {
  command = plan

  variables {
    propagation_minutes = 1441
  }

  expect_failures = [var.propagation_minutes]
}

run "half_a_minute" {
  command = plan

  variables {
    propagation_minutes = 0.5
  }

  expect_failures = [var.propagation_minutes]
}

run "the_old_consumption_plan" {
  command = plan

  variables {
    plan_sku = "Y1"
  }

  expect_failures = [var.plan_sku]
}

run "a_runtime_version_that_is_a_word" {
  command = plan

  variables {
    runtime_version = "latest"
  }

  expect_failures = [var.runtime_version]
}

run "no_instances" {
  command = plan

  variables {
    maximum_instance_count = 0
  }

  expect_failures = [var.maximum_instance_count]
}

run "too_many_instances" {
  command = plan

  variables {
    maximum_instance_count = 1001
  }

  expect_failures = [var.maximum_instance_count]
}

run "memory_in_gigabytes" {
  command = plan

  variables {
    instance_memory_mb = 2
  }

  expect_failures = [var.instance_memory_mb]
}

run "another_way_of_delivery" {
  command = plan

  variables {
    delivery = "webhook"
  }

  expect_failures = [var.delivery]
}

run "results_kept_for_no_time" {
  command = plan

  variables {
    results_retention_days = 0
  }

  expect_failures = [var.results_retention_days]
}

run "results_kept_for_ever" {
  command = plan

  variables {
    results_retention_days = 366
  }

  expect_failures = [var.results_retention_days]
}

run "dead_letters_kept_for_no_time" {
  command = plan

  variables {
    dead_letter_retention_days = 0
  }

  expect_failures = [var.dead_letter_retention_days]
}

run "dead_letters_kept_for_ever" {
  command = plan

  variables {
    dead_letter_retention_days = 366
  }

  expect_failures = [var.dead_letter_retention_days]
}

run "event_grid_cannot_call_into_a_private_network" {
  command = plan

  variables {
    delivery = "function"
    private_network = {
      integration_subnet_id = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app"
      endpoint_subnet_id    = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints"
      private_dns_zone_ids = {
        vault     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
        blob      = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        queue     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net"
        eventgrid = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net"
        sites     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
      }
    }
  }

  expect_failures = [var.delivery]
}

run "a_subnets_name_where_its_id_is_asked" {
  command = plan

  variables {
    delivery = "queue"
    private_network = {
      integration_subnet_id = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app"
      endpoint_subnet_id    = "endpoints"
      private_dns_zone_ids = {
        vault     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
        blob      = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        queue     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net"
        eventgrid = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net"
        sites     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
      }
    }
  }

  expect_failures = [var.private_network]
}

run "one_subnet_for_both" {
  command = plan

  variables {
    delivery = "queue"
    private_network = {
      integration_subnet_id = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints"
      endpoint_subnet_id    = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints"
      private_dns_zone_ids = {
        vault     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
        blob      = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        queue     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net"
        eventgrid = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net"
        sites     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
      }
    }
  }

  expect_failures = [var.private_network]
}

run "another_services_zone" {
  command = plan

  variables {
    delivery = "queue"
    private_network = {
      integration_subnet_id = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app"
      endpoint_subnet_id    = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints"
      private_dns_zone_ids = {
        vault     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        blob      = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        queue     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net"
        eventgrid = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net"
        sites     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
      }
    }
  }

  expect_failures = [var.private_network]
}

run "a_zones_name_where_its_id_is_asked" {
  command = plan

  variables {
    delivery = "queue"
    private_network = {
      integration_subnet_id = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app"
      endpoint_subnet_id    = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints"
      private_dns_zone_ids = {
        vault     = "privatelink.vaultcore.azure.net"
        blob      = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        queue     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net"
        eventgrid = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.eventgrid.azure.net"
        sites     = "/subscriptions/S/resourceGroups/net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
      }
    }
  }

  expect_failures = [var.private_network]
}

run "a_resource_provider_that_is_not_registered" {
  command = plan

  override_data {
    target = data.azapi_resource_action.resource_provider["Microsoft.EventGrid"]
    values = { output = { registrationState = "NotRegistered" } }
  }

  expect_failures = [data.azapi_resource_action.resource_provider["Microsoft.EventGrid"]]
}

run "a_region_without_flex_consumption" {
  command = plan

  variables {
    location = "norwaywest"
  }

  expect_failures = [data.azapi_resource_action.flex_regions["this"]]
}

run "premium_is_in_more_regions" {
  command = plan

  variables {
    location = "norwaywest"
    plan_sku = "EP1"
  }
}

run "a_runtime_version_that_is_not_there" {
  command = plan

  variables {
    runtime_version = "1"
  }

  expect_failures = [data.azapi_resource_action.flex_runtimes["this"]]
}

run "a_crontab_without_seconds" {
  command = plan

  variables {
    sweep_schedule = "0 * * * *"
  }

  expect_failures = [var.sweep_schedule]
}

run "a_sweep_each_second" {
  command = plan

  variables {
    sweep_schedule = "* * * * * *"
  }

  expect_failures = [var.sweep_schedule]
}

run "a_sweep_every_five_minutes" {
  command = plan

  variables {
    sweep_schedule = "0 */5 * * * *"
  }

  expect_failures = [var.sweep_schedule]
}

run "a_window_that_no_alert_has" {
  command = plan

  variables {
    no_sweep_hours = 7
  }

  expect_failures = [var.no_sweep_hours]
}

run "a_namespace_where_a_hub_is_asked" {
  command = plan

  variables {
    activity_log_event_hub_id = "/subscriptions/S/resourceGroups/logs/providers/Microsoft.EventHub/namespaces/logs"
  }

  expect_failures = [var.activity_log_event_hub_id]
}

run "an_audience_with_a_comma" {
  command = plan

  variables {
    entra_audience = ["api://one,api://two"]
  }

  expect_failures = [var.entra_audience]
}

run "a_domain_where_a_callers_tenant_is_asked" {
  command = plan

  variables {
    entra_callers = ["contoso.onmicrosoft.com"]
  }

  expect_failures = [var.entra_callers]
}

run "callers_without_an_audience" {
  command = plan

  variables {
    entra_callers = ["519aadd0-caeb-5ef8-b1b9-046051535bc3=all"]
  }

  expect_failures = [var.entra_callers]
}
