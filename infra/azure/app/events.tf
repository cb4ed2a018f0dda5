# Onboarding events come in by one topic, results go out by the other. Who may publish events is decided by the role EventGrid Data Sender
# on the events topic. Its event subscription is made by stage wiring, since that needs the published function.

resource "azurerm_eventgrid_topic" "events" {
  #checkov:skip=CKV_AZURE_193:Takes Entra tokens only. private_network closes it.
  name                          = local.names.events_topic
  resource_group_name           = azurerm_resource_group.this.name
  location                      = azurerm_resource_group.this.location
  input_schema                  = "CloudEventSchemaV1_0"
  local_auth_enabled            = false
  public_network_access_enabled = !local.private
  tags                          = var.tags

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_eventgrid_topic" "results" {
  #checkov:skip=CKV_AZURE_193:Takes Entra tokens only. private_network closes it.
  name                          = local.names.results_topic
  resource_group_name           = azurerm_resource_group.this.name
  location                      = azurerm_resource_group.this.location
  input_schema                  = "CloudEventSchemaV1_0"
  local_auth_enabled            = false
  public_network_access_enabled = !local.private
  tags                          = var.tags

  identity {
    type = "SystemAssigned"
  }
}

# azurerm does not know this property.
resource "azapi_update_resource" "topic_tls" {
  for_each = {
    events  = azurerm_eventgrid_topic.events.id
    results = azurerm_eventgrid_topic.results.id
  }

  type        = "Microsoft.EventGrid/topics@2025-02-15"
  resource_id = each.value
  body        = { properties = { minimumTlsVersionAllowed = "1.2" } }
}

# An event for which there is no subscription is gone. So results are kept from the first one on, until somebody takes them.
resource "azurerm_eventgrid_event_subscription" "results" {
  name                  = "results-queue"
  scope                 = azurerm_eventgrid_topic.results.id
  event_delivery_schema = "CloudEventSchemaV1_0"

  storage_queue_endpoint {
    storage_account_id                    = azurerm_storage_account.data.id
    queue_name                            = azurerm_storage_queue.this["results"].name
    queue_message_time_to_live_in_seconds = var.results_retention_days * 24 * 60 * 60
  }

  delivery_identity {
    type = "SystemAssigned"
  }

  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.data.id
    storage_blob_container_name = azurerm_storage_container.dead_letters.name
  }

  dead_letter_identity {
    type = "SystemAssigned"
  }

  retry_policy {
    max_delivery_attempts = 30
    event_time_to_live    = 1440
  }

  depends_on = [azurerm_role_assignment.this]
}
