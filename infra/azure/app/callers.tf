# Whose Entra tokens the ops routes take. Where any are taken, a function key alone is not enough.

variable "entra_audience" {
  description = <<-EOT
    Whom the Entra tokens of callers are for: client ids or App ID URIs of the app that has the app roles of docs/operate.md.
    `az ad app show --id APP --query "[appId, identifierUris]"`. Without any, no token is taken, a function key is enough to onboard and
    to read the coverage, and nobody offboards over HTTP.
  EOT
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for audience in var.entra_audience : can(regex("^[^,\\s]+$", audience))])
    error_message = "entra_audience are client ids or App ID URIs: `az ad app show --id APP --query \"[appId, identifierUris]\"`."
  }
}

variable "entra_callers" {
  description = <<-EOT
    The tenants whose callers are heard, each by its id, `["TENANT"]`, which may then name itself alone; or `["TENANT=all"]`, which may name
    every tenant that is served. `az account show --query tenantId -o tsv`.
  EOT
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for caller in var.entra_callers : can(regex(local.guid, trimsuffix(caller, "=all")))])
    error_message = "entra_callers are tenant ids, each by itself or with =all: `az account show --query tenantId -o tsv`."
  }

  validation {
    condition     = (length(var.entra_audience) == 0) == (length(var.entra_callers) == 0)
    error_message = "entra_audience and entra_callers go together: what the tokens are for, and whose are heard."
  }
}

locals {
  caller_settings = length(var.entra_audience) == 0 ? {} : {
    ONBOARDER_ENTRA_AUDIENCE = join(",", var.entra_audience)
    ONBOARDER_ENTRA_CALLERS  = lower(join(",", var.entra_callers))
  }
}
