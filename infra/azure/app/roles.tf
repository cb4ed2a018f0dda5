# The built-in roles that infra/permissions.json lists for what is made here. What it lists at a management group is for stage platform.

locals {
  permissions = jsondecode(file("${path.module}/../../permissions.json"))

  role_holders = {
    function      = azurerm_user_assigned_identity.this.principal_id
    events-topic  = azurerm_eventgrid_topic.events.identity[0].principal_id
    results-topic = azurerm_eventgrid_topic.results.identity[0].principal_id
  }
  role_places = {
    activity-log-hub     = var.activity_log_event_hub_id
    application-insights = azurerm_application_insights.this.id
    dead-letters         = azurerm_storage_container.dead_letters.id
    host-storage         = azurerm_storage_account.host.id
    poison-queue         = azurerm_storage_queue.this["poison"].id
    queue                = azurerm_storage_queue.this["onboarding"].id
    report               = azurerm_storage_container.report.id
    results-queue        = azurerm_storage_queue.this["results"].id
    results-topic        = azurerm_eventgrid_topic.results.id
    vault                = azurerm_key_vault.this.id
  }
  # A condition that is not listed here stops the plan: better than a role that is missing, or one too many.
  role_conditions = {
    "always"                                      = true
    "events are delivered to the queue"           = var.delivery == "queue"
    "the activity log comes through an Event Hub" = local.reads_activity_log
  }

  # Azure names a role at its place's subscription, and the hub may be in another.
  role_subscriptions = local.reads_activity_log ? { activity-log-hub = join("/", slice(local.event_hub_parts, 0, 3)) } : {}

  own_roles = [for role in local.permissions.builtInRoles : role if contains(keys(local.role_holders), role.holder)]
  roles = {
    for role in local.own_roles : "${role.holder}: ${role.role} on ${role.on}" => role
    if local.role_conditions[lookup(role, "when", "always")]
  }
}

resource "azurerm_role_assignment" "this" {
  for_each = local.roles

  scope = local.role_places[each.value.on]
  role_definition_id = join("", [
    lookup(local.role_subscriptions, each.value.on, local.subscription),
    "/providers/Microsoft.Authorization/roleDefinitions/${each.value.id}",
  ])
  principal_id   = local.role_holders[each.value.holder]
  principal_type = "ServicePrincipal"
  description    = each.value.for
}
