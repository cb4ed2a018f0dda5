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
  description = "The subscription that everything is made in: `az account show --query id -o tsv`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex(local.guid, var.subscription_id))
    error_message = "subscription_id is a GUID, not a name and not /subscriptions/…: `az account show --query id -o tsv`."
  }
}

variable "location" {
  description = <<-EOT
    The region's short name, such as `westeurope`: `az account list-locations --query "[].name" -o tsv`. Flex Consumption has fewer:
    `az functionapp list-flexconsumption-locations -o table`.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+[0-9]?[a-z]*$", var.location))
    error_message = <<-EOT
      location is a region's short name, such as westeurope, not its display name: `az account list-locations --query "[].name" -o tsv`.
    EOT
  }
}

variable "name" {
  description = "The middle of every name, such as `ispm`: 2 to 10 lower-case letters and digits, first a letter."
  type        = string
  default     = "ispm"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "name is 2 to 10 lower-case letters and digits, first a letter: storage accounts and vaults have room for no more."
  }
}

variable "tags" {
  description = "Tags for everything that is made, such as `{ owner = \"identity\" }`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "tenant_ids" {
  description = <<-EOT
    The only Entra tenants that are served: `az account show --query tenantId -o tsv`. Without any, every tenant with a record in the vault.
  EOT
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for tenant in var.tenant_ids : can(regex(local.guid, tenant))])
    error_message = "tenant_ids are GUIDs, not domain names: `az account show --query tenantId -o tsv`."
  }
}

variable "ispm_hosts" {
  description = <<-EOT
    The hosts that a tenant record's `ispm.url` may name, such as `["*.example.com"]`. Without any, `*.spera-app.com`.
  EOT
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for host in var.ispm_hosts :
      can(regex("^([*][.])?[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+$", host)) && !can(regex("^[0-9.]+$", host))
    ])
    error_message = "ispm_hosts are host names or *.SUFFIX: no https://, no path, no port, no IP address."
  }
}

variable "propagation_minutes" {
  description = "How long after its cause a 403, a 404 or a connection that is not connected may still pass: 1 to 1440 minutes."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition = (
      var.propagation_minutes >= 1 && var.propagation_minutes <= 1440 && floor(var.propagation_minutes) == var.propagation_minutes
    )
    error_message = "propagation_minutes is a whole number from 1 to 1440."
  }
}

variable "plan_sku" {
  description = "The plan: `FC1` (Flex Consumption); `EP1` to `EP3` (Premium); `B1` to `B3`, `S1` to `S3`, `P0v3` to `P3v3` (Dedicated)."
  type        = string
  default     = "FC1"
  nullable    = false

  validation {
    condition     = can(regex("^(FC1|EP[1-3]|B[1-3]|S[1-3]|P[0-3]v3)$", var.plan_sku))
    error_message = "plan_sku is FC1 (Flex Consumption), EP1 to EP3 (Premium), or B1 to B3, S1 to S3, P0v3 to P3v3 (Dedicated)."
  }
}

variable "runtime_version" {
  description = <<-EOT
    The version of Flex Consumption's runtime `custom`, such as `1.0`. Azure takes any text, and the app then does not start:
    `az functionapp list-flexconsumption-runtimes --location LOCATION --runtime custom` shows what there is.
  EOT
  type        = string
  default     = "1.0"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+([.][0-9]+)*$", var.runtime_version))
    error_message = "runtime_version is such as 1.0: `az functionapp list-flexconsumption-runtimes --location LOCATION --runtime custom`."
  }
}

variable "maximum_instance_count" {
  description = <<-EOT
    How many instances there may be at once. It bounds how many calls reach Azure and ISPM: where result code `throttled` lasts, set it
    lower. Flex Consumption takes 1 to 1000, Premium at most 20 of them; a Dedicated plan has one.
  EOT
  type        = number
  default     = 40
  nullable    = false

  validation {
    condition     = contains(range(1, 1001), var.maximum_instance_count)
    error_message = "maximum_instance_count is a whole number from 1 to 1000."
  }
}

variable "instance_memory_mb" {
  description = "The memory of an instance on Flex Consumption: 512, 2048 or 4096 MB."
  type        = number
  default     = 2048
  nullable    = false

  validation {
    condition     = contains([512, 2048, 4096], var.instance_memory_mb)
    error_message = "instance_memory_mb is 512, 2048 or 4096."
  }
}

variable "delivery" {
  description = <<-EOT
    Where Event Grid delivers onboarding events: `function` calls the function app; `queue` puts them into the queue that the function app
    reads, so that nothing has to reach the app from outside.
  EOT
  type        = string
  default     = "function"
  nullable    = false

  validation {
    condition     = contains(["function", "queue"], var.delivery)
    error_message = "delivery is function or queue."
  }

  validation {
    condition     = var.private_network == null || var.delivery != "function"
    error_message = "With private_network, delivery is \"queue\": Event Grid cannot call into a private network."
  }
}

variable "private_network" {
  description = <<-EOT
    Makes everything private: private endpoints for the vault, the storage accounts, the topics and the function app, which calls out
    through your network. What stage wiring asks the vault, and `publish_command`, then have to come from inside.

    - `integration_subnet_id`: an empty subnet for the app's calls, /27 or larger, delegated to `Microsoft.App/environments` (Flex
      Consumption) or `Microsoft.Web/serverFarms` (other plans).
    - `endpoint_subnet_id`: the subnet of the private endpoints.
      `az network vnet subnet list -g GROUP --vnet-name NAME --query "[].id" -o tsv`.
    - `private_dns_zone_ids`: the zones `privatelink.vaultcore.azure.net` (vault), `privatelink.blob.core.windows.net` (blob),
      `privatelink.queue.core.windows.net` (queue), `privatelink.eventgrid.azure.net` (eventgrid) and `privatelink.azurewebsites.net`
      (sites), linked to that network; in `usgovernment` those that `private_dns_zones` in network.tf says.
      `az network private-dns zone list --query "[].id" -o tsv`.
  EOT
  type = object({
    integration_subnet_id = string
    endpoint_subnet_id    = string
    private_dns_zone_ids = object({
      vault     = string
      blob      = string
      queue     = string
      eventgrid = string
      sites     = string
    })
  })
  default = null

  validation {
    condition = var.private_network == null || alltrue([
      for id in [try(var.private_network.integration_subnet_id, ""), try(var.private_network.endpoint_subnet_id, "")] :
      can(regex("(?i)${local.network_id}/virtualNetworks/[^/]+/subnets/[^/]+$", id))
    ])
    error_message = <<-EOT
      private_network.integration_subnet_id and .endpoint_subnet_id are full ids of subnets:
      `az network vnet subnet list -g GROUP --vnet-name NAME --query "[].id" -o tsv`.
    EOT
  }

  validation {
    condition     = try(lower(var.private_network.integration_subnet_id) != lower(var.private_network.endpoint_subnet_id), true)
    error_message = "private_network needs two subnets: private endpoints cannot be in the one that is delegated to the app."
  }

  validation {
    condition = var.private_network == null || alltrue([
      for zone, name in local.private_dns_zones :
      can(regex("(?i)${local.network_id}/privateDnsZones/${name}$", var.private_network.private_dns_zone_ids[zone]))
    ])
    error_message = <<-EOT
      private_network.private_dns_zone_ids are full ids, each of its own zone: ${local.private_dns_zone_list}.
      `az network private-dns zone list --query "[].id" -o tsv`.
    EOT
  }
}

variable "results_retention_days" {
  description = "How long a result stays in the queue `results` where nobody takes it: 1 to 365 days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains(range(1, 366), var.results_retention_days)
    error_message = "results_retention_days is a whole number from 1 to 365."
  }
}

variable "dead_letter_retention_days" {
  description = "How long an event that could not be delivered stays in the container `dead-letters`: 1 to 365 days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains(range(1, 366), var.dead_letter_retention_days)
    error_message = "dead_letter_retention_days is a whole number from 1 to 365."
  }
}

variable "register_resource_providers" {
  description = <<-EOT
    Whether the subscription is registered for the resource providers that this needs. Off where this login may not; what is missing is then
    named by the plan.
  EOT
  type        = bool
  default     = true
  nullable    = false
}
