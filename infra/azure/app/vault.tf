# Tenant records, the secrets that they name, connect profiles. Whoever writes them needs the role Key Vault Secrets Officer here.
resource "azurerm_key_vault" "this" {
  #checkov:skip=CKV_AZURE_189:Takes Entra tokens only, and every read is logged. private_network closes it.
  #checkov:skip=CKV2_AZURE_32:private_network gives it one, in network.tf.
  name                          = local.names.vault
  resource_group_name           = azurerm_resource_group.this.name
  location                      = azurerm_resource_group.this.location
  tenant_id                     = data.azurerm_client_config.current.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = !local.private
  tags                          = var.tags

  network_acls {
    default_action = local.private ? "Deny" : "Allow"
    bypass         = "None"
  }
}
