locals {
  guid = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

  flex    = var.plan_sku == "FC1"
  premium = startswith(var.plan_sku, "EP")
  private = var.private_network != null

  # Names that are taken in all of Azure end in letters of chance: a vault's name stays taken for 90 days after its removal.
  suffix = random_string.suffix.result
  names = {
    resource_group = "rg-${var.name}"
    identity       = "id-${var.name}"
    plan           = "asp-${var.name}"
    function_app   = "func-${var.name}-${local.suffix}"
    vault          = "kv-${var.name}-${local.suffix}"
    host_storage   = "st${var.name}host${local.suffix}"
    data_storage   = "st${var.name}data${local.suffix}"
    events_topic   = "evgt-${var.name}-events-${local.suffix}"
    results_topic  = "evgt-${var.name}-results-${local.suffix}"
  }
}

resource "random_string" "suffix" {
  length  = 5
  upper   = false
  special = false
}

resource "azurerm_resource_group" "this" {
  name     = local.names.resource_group
  location = var.location
  tags     = var.tags
}

# One identity for the app and its host. It is there before the app, so that its rights are there when the app starts.
resource "azurerm_user_assigned_identity" "this" {
  name                = local.names.identity
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  tags                = var.tags
}
