# Two accounts: the Functions host's own, and the data that people and Event Grid reach too.

locals {
  queues = {
    onboarding = "onboarding"
    poison     = "onboarding-poison" # the name that the Functions host makes of the queue's
    results    = "results"
  }

  # An old package, or what was deleted by mistake, can be had back for this long.
  undo_days = 14
}

resource "azurerm_storage_account" "host" {
  #checkov:skip=CKV_AZURE_33:Nobody uses queues of this account.
  #checkov:skip=CKV_AZURE_59:Takes Entra tokens only. private_network closes it.
  #checkov:skip=CKV_AZURE_206:Holds leases, keys that are made again, and a package that is published again.
  #checkov:skip=CKV2_AZURE_1:Holds nothing of the customers', and no secret in the clear.
  #checkov:skip=CKV2_AZURE_33:private_network gives it one, in network.tf.
  name                            = local.names.host_storage
  resource_group_name             = azurerm_resource_group.this.name
  location                        = azurerm_resource_group.this.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
  local_user_enabled              = false
  public_network_access_enabled   = !local.private
  tags                            = var.tags

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = local.undo_days
    }
  }
}

resource "azurerm_storage_container" "packages" {
  #checkov:skip=CKV2_AZURE_21:The packages are public releases; who reads them is of no interest.
  name               = "packages"
  storage_account_id = azurerm_storage_account.host.id
}

resource "azurerm_storage_management_policy" "host" {
  storage_account_id = azurerm_storage_account.host.id

  rule {
    name    = "old-packages"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = local.undo_days
      }
    }
  }
}

resource "azurerm_storage_account" "data" {
  #checkov:skip=CKV_AZURE_33:Writes and deletes are logged to Log Analytics, in monitoring.tf. Reads are the host polling all day.
  #checkov:skip=CKV_AZURE_59:Takes Entra tokens only. private_network closes it but for Event Grid, which has no private way to a queue.
  #checkov:skip=CKV_AZURE_206:Every region has to do. What a lost region held can be sent again: doing it twice changes nothing.
  #checkov:skip=CKV2_AZURE_1:Holds ids and names of tenants and scopes, and no secret, for months at most.
  #checkov:skip=CKV2_AZURE_33:private_network gives it one, in network.tf.
  name                            = local.names.data_storage
  resource_group_name             = azurerm_resource_group.this.name
  location                        = azurerm_resource_group.this.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
  local_user_enabled              = false
  tags                            = var.tags

  # Event Grid has no private way to a queue: it comes as a trusted service, with the topic's own identity.
  # https://learn.microsoft.com/azure/event-grid/handler-storage-queues
  network_rules {
    default_action = local.private ? "Deny" : "Allow"
    bypass         = ["AzureServices"]
  }

  blob_properties {
    delete_retention_policy {
      days = local.undo_days
    }
  }
}

resource "azurerm_storage_queue" "this" {
  for_each = local.queues

  name               = each.value
  storage_account_id = azurerm_storage_account.data.id
}

resource "azurerm_storage_container" "dead_letters" {
  #checkov:skip=CKV2_AZURE_21:Holds ids of tenants and scopes, and no secret.
  name               = "dead-letters"
  storage_account_id = azurerm_storage_account.data.id
}

resource "azurerm_storage_management_policy" "data" {
  storage_account_id = azurerm_storage_account.data.id

  rule {
    name    = "old-dead-letters"
    enabled = true

    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["${azurerm_storage_container.dead_letters.name}/"]
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = var.dead_letter_retention_days
      }
    }
  }

  rule {
    name    = "old-reports"
    enabled = true

    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["${azurerm_storage_container.report.name}/"]
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = local.report_days
      }
    }
  }
}
