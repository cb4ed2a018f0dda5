# All but the last come from stage app:
# terraform -chdir=infra/azure/app output -json wiring > infra/azure/wiring/app.auto.tfvars.json

variable "cloud" {
  description = <<-EOT
    The cloud of Azure that everything is in: `public` or `usgovernment`. `az cloud set` has to name the same.
  EOT
  type        = string
  default     = "public"
  nullable    = false

  validation {
    condition     = contains(["public", "usgovernment"], var.cloud)
    error_message = "cloud is public or usgovernment: `az cloud show --query name -o tsv` prints AzureCloud or AzureUSGovernment for them."
  }
}

variable "subscription_id" {
  description = "The subscription of stage app: `az account show --query id -o tsv`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex(local.guid, var.subscription_id))
    error_message = "subscription_id is a GUID, not a name and not /subscriptions/…: `az account show --query id -o tsv`."
  }
}

variable "tenant_ids" {
  description = "The only Entra tenants that are served; empty for every tenant with a record in the vault."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for tenant in var.tenant_ids : can(regex(local.guid, tenant))])
    error_message = "tenant_ids are GUIDs, not domain names: `az account show --query tenantId -o tsv`."
  }
}

variable "delivery" {
  description = "Where Event Grid delivers onboarding events: `function` or `queue`."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["function", "queue"], var.delivery)
    error_message = "delivery is function or queue."
  }
}

variable "function_app_id" {
  description = "The function app's resource id: `az functionapp list --query \"[].id\" -o tsv`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("(?i)${local.in_group}/Microsoft.Web/sites/[^/]+$", var.function_app_id))
    error_message = "function_app_id is a full resource id, not a name: `az functionapp list --query \"[].id\" -o tsv`."
  }
}

variable "events_topic_id" {
  description = "The resource id of the topic for onboarding events: `az eventgrid topic list --query \"[].id\" -o tsv`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("(?i)${local.in_group}/Microsoft.EventGrid/topics/[^/]+$", var.events_topic_id))
    error_message = "events_topic_id is a full resource id, not a name or an endpoint: `az eventgrid topic list --query \"[].id\" -o tsv`."
  }
}

variable "data_storage_account_id" {
  description = "The resource id of the account with queues and dead letters: `az storage account list --query \"[].id\" -o tsv`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("(?i)${local.in_group}/Microsoft.Storage/storageAccounts/[^/]+$", var.data_storage_account_id))
    error_message = "data_storage_account_id is a full resource id, not a name: `az storage account list --query \"[].id\" -o tsv`."
  }
}

variable "queue_name" {
  description = "The queue that the function app reads, `onboarding`."
  type        = string
  nullable    = false
}

variable "dead_letter_container_name" {
  description = "The container for events that could not be delivered, `dead-letters`."
  type        = string
  nullable    = false
}

variable "vault_id" {
  description = "The resource id of the vault with the tenant records: `az keyvault list --query \"[].id\" -o tsv`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("(?i)${local.in_group}/Microsoft.KeyVault/vaults/[^/]+$", var.vault_id))
    error_message = "vault_id is a full resource id, not a name or an address: `az keyvault list --query \"[].id\" -o tsv`."
  }
}

variable "check_tenant_records" {
  description = <<-EOT
    Whether the vault is asked for the names of its secrets, to see that tenant records are there. Needs the role Key Vault Reader and a
    way to the vault; off where there is none.
  EOT
  type        = bool
  default     = true
  nullable    = false
}
