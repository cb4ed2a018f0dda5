# Azure Monitor writes to an Event Hub with the key of an authorization rule, and in no other way. So keys stay on in this one namespace,
# which holds nothing but the activity log; the rule may send and do nothing else.

resource "random_string" "suffix" {
  for_each = local.makes_event_hub ? toset(["platform"]) : toset([])

  length  = 5
  special = false
  upper   = false
}

resource "azurerm_eventhub_namespace" "this" {
  for_each = local.makes_event_hub ? toset(["platform"]) : toset([])

  name                          = "evhns-${var.name}-${random_string.suffix[each.key].result}"
  resource_group_name           = azurerm_resource_group.this[each.key].name
  location                      = azurerm_resource_group.this[each.key].location
  sku                           = "Standard"
  capacity                      = 1
  minimum_tls_version           = "1.2"
  local_authentication_enabled  = true
  public_network_access_enabled = true
  tags                          = var.tags

  # Azure Monitor is a trusted service. Whoever reads is let in by a rule of their own.
  network_rulesets {
    default_action                 = "Deny"
    public_network_access_enabled  = true
    trusted_service_access_enabled = true
  }

  lifecycle {
    ignore_changes = [network_rulesets[0].ip_rule, network_rulesets[0].virtual_network_rule]
  }
}

resource "azurerm_eventhub" "activity_log" {
  for_each = azurerm_eventhub_namespace.this

  name              = "activity-log"
  namespace_id      = each.value.id
  partition_count   = 2
  message_retention = 7
}

resource "azurerm_eventhub_namespace_authorization_rule" "azure_monitor" {
  for_each = azurerm_eventhub_namespace.this

  name                = "azure-monitor"
  namespace_name      = each.value.name
  resource_group_name = each.value.resource_group_name
  listen              = false
  send                = true
  manage              = false
}

locals {
  event_hub = !var.export_activity_log ? {} : {
    activity-log = coalesce(var.event_hub, {
      authorization_rule_id = one(values(azurerm_eventhub_namespace_authorization_rule.azure_monitor)[*].id)
      name                  = one(values(azurerm_eventhub.activity_log)[*].name)
    })
  }
}

# azurerm_monitor_diagnostic_setting does not take a management group.
resource "azapi_resource" "activity_log" {
  for_each = local.event_hub

  type      = "Microsoft.Insights/diagnosticSettings@2020-01-01-preview"
  name      = "ispm-onboarder"
  parent_id = local.scope

  body = {
    properties = {
      eventHubAuthorizationRuleId = each.value.authorization_rule_id
      eventHubName                = each.value.name
      logs = [
        for category in ["Administrative", "Policy"] : { category = category, enabled = true }
      ]
    }
  }
}
