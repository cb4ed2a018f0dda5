# The function app on each plan, and its settings.

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

run "flex_consumption" {
  assert {
    condition = (
      azurerm_service_plan.this.sku_name == "FC1" && azurerm_service_plan.this.os_type == "Linux" &&
      length(azapi_resource.flex) == 1 && length(azurerm_linux_function_app.this) == 0
    )
    error_message = "One app, on Flex Consumption."
  }

  assert {
    condition = azapi_resource.flex["this"].body.properties.functionAppConfig == {
      runtime             = { name = "custom", version = "1.0" }
      scaleAndConcurrency = { maximumInstanceCount = 40, instanceMemoryMB = 2048 }
      deployment = {
        storage = {
          type  = "blobContainer"
          value = "https://stispmhostab1cd.blob.core.windows.net/packages"
          authentication = {
            type                           = "UserAssignedIdentity"
            userAssignedIdentityResourceId = azurerm_user_assigned_identity.this.id
          }
        }
      }
    }
    error_message = "The runtime, its bounds, and the package by identity."
  }

  assert {
    condition = { for setting in azapi_resource.flex["this"].body.properties.siteConfig.appSettings : setting.name => setting.value } == {
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "Authorization=AAD;ClientId=1663ee10-1dee-56a0-b4e4-b8249a0debef"
      APPLICATIONINSIGHTS_CONNECTION_STRING     = "InstrumentationKey=5dbd4c0e-0000-4000-8000-000000000003"
      AZURE_CLIENT_ID                           = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
      "AzureWebJobs.OnActivityLog.Disabled"     = "true"
      AzureWebJobsStorage__accountName          = "stispmhostab1cd"
      AzureWebJobsStorage__clientId             = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
      AzureWebJobsStorage__credential           = "managedidentity"
      ONBOARDER_PROPAGATION_MINUTES             = "60"
      ONBOARDER_CLOUD                           = "public"
      ONBOARDER_QUEUE                           = "https://stispmdataab1cd.queue.core.windows.net/onboarding"
      ONBOARDER_QUEUE_NAME                      = "onboarding"
      ONBOARDER_QUEUE_STORAGE__clientId         = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
      ONBOARDER_QUEUE_STORAGE__credential       = "managedidentity"
      ONBOARDER_QUEUE_STORAGE__queueServiceUri  = "https://stispmdataab1cd.queue.core.windows.net"
      ONBOARDER_REPORT                          = "https://stispmdataab1cd.blob.core.windows.net/report"
      ONBOARDER_RESULTS                         = "https://evgt-ispm-results-ab1cd.westeurope-1.eventgrid.azure.net/api/events"
      ONBOARDER_SECRET_STORE                    = "https://kv-ispm-ab1cd.vault.azure.net"
      ONBOARDER_SWEEP_SCHEDULE                  = "0 0 * * * *"
    }
    error_message = "Exactly these settings; none that Flex Consumption refuses, and no AzureWebJobsStorage beside the identity."
  }

  assert {
    condition = (
      azapi_resource.flex["this"].body.properties.httpsOnly &&
      azapi_resource.flex["this"].body.properties.publicNetworkAccess == "Enabled" &&
      azapi_resource.flex["this"].body.properties.siteConfig.minTlsVersion == "1.2" &&
      azapi_resource.flex["this"].body.properties.siteConfig.scmMinTlsVersion == "1.2" &&
      !contains(keys(azapi_resource.flex["this"].body.properties), "virtualNetworkSubnetId")
    )
    error_message = "HTTPS with TLS 1.2, and no network."
  }

  assert {
    condition = (
      azapi_resource.flex["this"].identity[0].type == "UserAssigned" &&
      tolist(azapi_resource.flex["this"].identity[0].identity_ids) == tolist([azurerm_user_assigned_identity.this.id])
    )
    error_message = "The app has the identity."
  }

  assert {
    condition = (
      azapi_update_resource.flex_publishing["this"].body.properties.allow == false &&
      endswith(azapi_update_resource.flex_publishing["this"].resource_id, "/sites/func-ispm-ab1cd/basicPublishingCredentialsPolicies/scm")
    )
    error_message = "Nobody publishes with a password."
  }

  assert {
    condition     = endswith(output.publish_command, "config-zip --ids ${output.wiring.function_app_id} --src PACKAGE")
    error_message = "The command that publishes."
  }
}

run "flex_consumption_as_asked" {
  variables {
    runtime_version        = "2.0"
    maximum_instance_count = 3
    instance_memory_mb     = 512
    propagation_minutes    = 90
    tenant_ids             = ["519AADD0-caeb-5ef8-b1b9-046051535bc3", "8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
    ispm_hosts             = ["*.example.com", "ispm.example.org"]
  }

  override_data {
    target = data.azapi_resource_action.flex_runtimes["this"]
    values = { output = { versions = ["1.0", "2.0"] } }
  }

  assert {
    condition = (
      azapi_resource.flex["this"].body.properties.functionAppConfig.runtime.version == "2.0" &&
      azapi_resource.flex["this"].body.properties.functionAppConfig.scaleAndConcurrency.maximumInstanceCount == 3 &&
      azapi_resource.flex["this"].body.properties.functionAppConfig.scaleAndConcurrency.instanceMemoryMB == 512
    )
    error_message = "Version, instances and memory are as asked."
  }

  assert {
    condition = {
      for setting in azapi_resource.flex["this"].body.properties.siteConfig.appSettings : setting.name => setting.value
      if contains(["ONBOARDER_TENANTS", "ONBOARDER_ISPM_HOSTS", "ONBOARDER_PROPAGATION_MINUTES"], setting.name)
      } == {
      ONBOARDER_TENANTS             = "519aadd0-caeb-5ef8-b1b9-046051535bc3,8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
      ONBOARDER_ISPM_HOSTS          = "*.example.com,ispm.example.org"
      ONBOARDER_PROPAGATION_MINUTES = "90"
    }
    error_message = "The program's own settings are as asked."
  }

  assert {
    condition     = output.wiring.tenant_ids == ["519aadd0-caeb-5ef8-b1b9-046051535bc3", "8d1c2b3a-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
    error_message = "The next stage looks for the records of these tenants."
  }
}

run "premium" {
  variables {
    plan_sku = "EP1"
  }

  assert {
    condition = (
      azurerm_service_plan.this.sku_name == "EP1" && azurerm_service_plan.this.maximum_elastic_worker_count == 20 &&
      length(azapi_resource.flex) == 0 && length(azapi_update_resource.flex_publishing) == 0 &&
      length(data.azapi_resource_action.flex_regions) == 0 && length(data.azapi_resource_action.flex_runtimes) == 0
    )
    error_message = "Nothing of Flex Consumption, and as many instances as every region has."
  }

  assert {
    condition = azurerm_linux_function_app.this["this"].app_settings == tomap({
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING    = "Authorization=AAD;ClientId=1663ee10-1dee-56a0-b4e4-b8249a0debef"
      AZURE_CLIENT_ID                              = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
      "AzureWebJobs.OnActivityLog.Disabled"        = "true"
      AzureWebJobsStorage__clientId                = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
      AzureWebJobsStorage__credential              = "managedidentity"
      ONBOARDER_PROPAGATION_MINUTES                = "60"
      ONBOARDER_CLOUD                              = "public"
      ONBOARDER_QUEUE                              = "https://stispmdataab1cd.queue.core.windows.net/onboarding"
      ONBOARDER_QUEUE_NAME                         = "onboarding"
      ONBOARDER_QUEUE_STORAGE__clientId            = "1663ee10-1dee-56a0-b4e4-b8249a0debef"
      ONBOARDER_QUEUE_STORAGE__credential          = "managedidentity"
      ONBOARDER_QUEUE_STORAGE__queueServiceUri     = "https://stispmdataab1cd.queue.core.windows.net"
      ONBOARDER_REPORT                             = "https://stispmdataab1cd.blob.core.windows.net/report"
      ONBOARDER_RESULTS                            = "https://evgt-ispm-results-ab1cd.westeurope-1.eventgrid.azure.net/api/events"
      ONBOARDER_SECRET_STORE                       = "https://kv-ispm-ab1cd.vault.azure.net"
      ONBOARDER_SWEEP_SCHEDULE                     = "0 0 * * * *"
      WEBSITE_RUN_FROM_PACKAGE                     = "https://stispmhostab1cd.blob.core.windows.net/packages/handler.zip"
      WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID = azurerm_user_assigned_identity.this.id
    })
    error_message = "Exactly these settings; azurerm adds those of storage account and Application Insights."
  }

  assert {
    condition = (
      azurerm_linux_function_app.this["this"].storage_account_name == "stispmhostab1cd" &&
      azurerm_linux_function_app.this["this"].storage_uses_managed_identity &&
      azurerm_linux_function_app.this["this"].content_share_force_disabled &&
      azurerm_linux_function_app.this["this"].builtin_logging_enabled == false
    )
    error_message = "Storage by identity, and no share that needs a key."
  }

  assert {
    condition = (
      azurerm_linux_function_app.this["this"].https_only &&
      azurerm_linux_function_app.this["this"].ftp_publish_basic_authentication_enabled == false &&
      azurerm_linux_function_app.this["this"].webdeploy_publish_basic_authentication_enabled == false &&
      azurerm_linux_function_app.this["this"].site_config[0].ftps_state == "Disabled" &&
      azurerm_linux_function_app.this["this"].site_config[0].minimum_tls_version == "1.2" &&
      azurerm_linux_function_app.this["this"].site_config[0].scm_minimum_tls_version == "1.2"
    )
    error_message = "HTTPS with TLS 1.2, and nobody publishes with a password."
  }

  assert {
    condition = (
      azurerm_linux_function_app.this["this"].site_config[0].application_stack[0].use_custom_runtime &&
      startswith(azurerm_linux_function_app.this["this"].site_config[0].application_insights_connection_string, "InstrumentationKey=") &&
      azurerm_linux_function_app.this["this"].site_config[0].app_scale_limit == 20 &&
      azurerm_linux_function_app.this["this"].site_config[0].always_on == false
    )
    error_message = "A custom handler, bounded, that tells Application Insights."
  }

  assert {
    condition = split(" && ", output.publish_command) == tolist([
      join(" ", [
        "az storage blob upload --auth-mode login --file PACKAGE --overwrite",
        "--blob-url https://stispmhostab1cd.blob.core.windows.net/packages/handler.zip",
      ]),
      "az functionapp restart --ids ${output.wiring.function_app_id}",
      "az rest --method post --url ${output.wiring.function_app_id}/syncfunctiontriggers?api-version=2024-04-01",
    ])
    error_message = "The command that publishes."
  }
}

run "premium_with_few_instances" {
  variables {
    plan_sku               = "EP2"
    maximum_instance_count = 3
  }

  assert {
    condition = (
      azurerm_service_plan.this.maximum_elastic_worker_count == 3 &&
      azurerm_linux_function_app.this["this"].site_config[0].app_scale_limit == 3
    )
    error_message = "No more than asked."
  }
}

run "dedicated" {
  variables {
    plan_sku = "P0v3"
  }

  assert {
    condition = (
      azurerm_service_plan.this.sku_name == "P0v3" &&
      azurerm_linux_function_app.this["this"].site_config[0].always_on &&
      output.wiring.function_app_id == azurerm_linux_function_app.this["this"].id
    )
    error_message = "One app that is always on: nothing else would wake it for a message."
  }
}
