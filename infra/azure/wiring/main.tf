# The event subscription of the events topic. Azure lets it be made once the function that it names is published.

locals {
  guid     = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
  in_group = "^/subscriptions/[^/]+/resourceGroups/[^/]+/providers"

  function_id = "${var.function_app_id}/functions/OnOnboardingEvent"
}

resource "azurerm_eventgrid_event_subscription" "onboarding" {
  name                  = "onboarding"
  scope                 = var.events_topic_id
  event_delivery_schema = "CloudEventSchemaV1_0"

  # Offboarding too: it is refused, and the sender gets a result that says so.
  included_event_types = [
    "dev.ispm-onboarder.onboarding.requested.v1",
    "dev.ispm-onboarder.offboarding.requested.v1",
  ]

  dynamic "azure_function_endpoint" {
    for_each = var.delivery == "function" ? [local.function_id] : []

    content {
      function_id          = azure_function_endpoint.value
      max_events_per_batch = 1
    }
  }

  dynamic "storage_queue_endpoint" {
    for_each = var.delivery == "queue" ? [var.queue_name] : []

    content {
      storage_account_id                    = var.data_storage_account_id
      queue_name                            = storage_queue_endpoint.value
      queue_message_time_to_live_in_seconds = 7 * 24 * 60 * 60
    }
  }

  dynamic "delivery_identity" {
    for_each = var.delivery == "queue" ? ["SystemAssigned"] : []

    content {
      type = delivery_identity.value
    }
  }

  storage_blob_dead_letter_destination {
    storage_account_id          = var.data_storage_account_id
    storage_blob_container_name = var.dead_letter_container_name
  }

  dead_letter_identity {
    type = "SystemAssigned"
  }

  retry_policy {
    max_delivery_attempts = 30
    event_time_to_live    = 1440
  }

  depends_on = [data.azapi_resource.function, data.azurerm_key_vault_secrets.this]
}
