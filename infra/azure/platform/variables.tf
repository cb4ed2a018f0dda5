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
  description = <<-EOT
    The subscription for what has no place at a management group: the Event Hub and the alert. Nothing is made there while the exports
    are off, but the provider asks for one that this login may see: `az account show --query id -o tsv`.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = can(regex(local.guid, var.subscription_id))
    error_message = "subscription_id is a GUID, not a name and not /subscriptions/…: `az account show --query id -o tsv`."
  }
}

variable "management_group_name" {
  description = <<-EOT
    The management group that holds all that is to be onboarded, by its name (its id, not its display name), such as `corp`. The tenant root
    group's name is the tenant's id. `az account management-group list --query "[].{name: name, displayName: displayName}" -o table`.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = !strcontains(var.management_group_name, "/")
    error_message = "management_group_name is the last part only of /providers/Microsoft.Management/managementGroups/NAME."
  }

  validation {
    condition = (
      strcontains(var.management_group_name, "/") ||
      can(regex("^[A-Za-z0-9._()-]{0,89}[A-Za-z0-9_()-]$", var.management_group_name))
    )
    error_message = <<-EOT
      management_group_name is 1 to 90 letters, digits, hyphens, underscores, brackets or full stops, the last no full stop. What has blanks
      is a display name: `az account management-group list --query "[].{name: name, displayName: displayName}" -o table` shows both.
    EOT
  }
}

variable "ispm_app_client_id" {
  description = <<-EOT
    The application (client) id of the app through which ISPM reads the tenant; the tenant record's `app.clientId`. It is shown in Entra
    under Enterprise applications, and by `az ad sp list --display-name NAME --query "[].{name: displayName, appId: appId}" -o table`.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = can(regex(local.guid, var.ispm_app_client_id))
    error_message = "ispm_app_client_id is a GUID: `az ad sp list --display-name NAME --query \"[].appId\" -o tsv`."
  }
}

variable "ispm_app_principal_id" {
  description = <<-EOT
    The object id of that app's service principal. Needed only where this login may not read the directory (`read_directory = false`):
    `az ad sp show --id CLIENT_ID --query id -o tsv`.
  EOT
  type        = string
  default     = null

  validation {
    condition     = var.ispm_app_principal_id == null || can(regex(local.guid, var.ispm_app_principal_id))
    error_message = "ispm_app_principal_id is a GUID: `az ad sp show --id CLIENT_ID --query id -o tsv`."
  }

  validation {
    condition     = lower(coalesce(var.ispm_app_principal_id, "-")) != lower(var.ispm_app_client_id)
    error_message = <<-EOT
      ispm_app_principal_id is the client id again. Roles go to the object id of the service principal (Enterprise applications, not App
      registrations): `az ad sp show --id CLIENT_ID --query id -o tsv`.
    EOT
  }

  validation {
    condition     = var.read_directory || var.ispm_app_principal_id != null
    error_message = "With read_directory = false, ispm_app_principal_id is needed: `az ad sp show --id CLIENT_ID --query id -o tsv`."
  }
}

variable "function_principal_id" {
  description = <<-EOT
    The object id of what signs in to this tenant to look and to assign: the function's managed identity, which `terraform
    -chdir=infra/azure/app output platform` hands on. Where the tenant record's login is a client secret, that app's service principal
    instead: `az ad sp show --id CLIENT_ID --query id -o tsv`.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = can(regex(local.guid, var.function_principal_id))
    error_message = "function_principal_id is a GUID: `terraform -chdir=infra/azure/app output platform`."
  }
}

variable "read_directory" {
  description = "Whether this login may read service principals in Entra. Then the app is looked up, and both object ids are checked."
  type        = bool
  default     = true
  nullable    = false
}

variable "assign_reader" {
  description = <<-EOT
    Whether Reader is assigned to the ISPM app at the management group: once, here, for all that is below it now and later. The function
    then finds it and assigns nothing.
  EOT
  type        = bool
  default     = true
  nullable    = false
}

variable "grant_role_assignment" {
  description = <<-EOT
    Whether the function may assign roles itself, held by a condition to Reader and the ISPM app. The tenant record then says
    `policy.assign = "always"`; without it, `"never"`.
  EOT
  type        = bool
  default     = false
  nullable    = false
}

variable "role_name_suffix" {
  description = "Follows the names of the custom roles, which have to be unique in a tenant: `\" (test)\"` for a second deployment."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.role_name_suffix) <= 64
    error_message = "role_name_suffix has at most 64 characters."
  }
}

variable "export_activity_log" {
  description = <<-EOT
    Whether the management group's activity log goes to an Event Hub: what is made and moved below the group, also by those who send no
    event.
  EOT
  type        = bool
  default     = false
  nullable    = false
}

variable "event_hub" {
  description = <<-EOT
    An Event Hub that is there already, for the activity log: the id of an authorization rule with the right to send, and the hub's name.
    Without it, a namespace is made. `az eventhubs namespace authorization-rule list -g GROUP --namespace-name NAME --query "[].id" -o tsv`.
  EOT
  type = object({
    authorization_rule_id = string
    name                  = string
  })
  default = null

  validation {
    condition = var.event_hub == null || can(regex(
      "(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.EventHub/namespaces/.+/authorizationRules/[^/]+$",
      var.event_hub.authorization_rule_id,
    ))
    error_message = <<-EOT
      event_hub.authorization_rule_id is the full id of a rule, /subscriptions/…/namespaces/NAME/authorizationRules/RULE:
      `az eventhubs namespace authorization-rule list -g GROUP --namespace-name NAME --query "[].id" -o tsv`.
    EOT
  }

  validation {
    condition     = var.event_hub == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$", var.event_hub.name))
    error_message = "event_hub.name is the hub's name, not an id: `az eventhubs eventhub list -g GROUP --namespace-name NAME -o table`."
  }
}

variable "export_entra_audit_log" {
  description = <<-EOT
    Whether Entra's audit log goes to the Log Analytics workspace: it says who elevated their access over all of Azure. Needs the Entra role
    Security Administrator, an Entra ID P1 licence, and a login of the Azure CLI.
  EOT
  type        = bool
  default     = false
  nullable    = false
}

variable "log_analytics_workspace_id" {
  description = "The workspace for Entra's audit log. `terraform -chdir=infra/azure/app output platform` hands it on."
  type        = string
  default     = null

  validation {
    condition     = !var.export_entra_audit_log || var.log_analytics_workspace_id != null
    error_message = "export_entra_audit_log needs log_analytics_workspace_id: `terraform -chdir=infra/azure/app output platform`."
  }

  validation {
    condition = var.log_analytics_workspace_id == null || can(regex(
      "(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.OperationalInsights/workspaces/[^/]+$",
      var.log_analytics_workspace_id,
    ))
    error_message = <<-EOT
      log_analytics_workspace_id is the workspace's resource id, not its name and not its workspace id (a GUID):
      `az monitor log-analytics workspace show -g GROUP -n NAME --query id -o tsv`.
    EOT
  }
}

variable "location" {
  description = <<-EOT
    Where the Event Hub and the alert are made, by the region's short name, such as `westeurope`: `az account list-locations --query
    "[].name" -o tsv`. The alert has to be where its workspace is.
  EOT
  type        = string
  default     = null

  validation {
    condition     = var.location == null || can(regex("^[a-z][a-z0-9]+$", var.location))
    error_message = "location is a short name such as westeurope: `az account list-locations --query \"[].name\" -o tsv`."
  }

  validation {
    condition     = var.location != null || !(var.export_activity_log && var.event_hub == null)
    error_message = "export_activity_log makes an Event Hub and needs location, such as westeurope; or name one with event_hub."
  }

  validation {
    condition     = var.location != null || !var.export_entra_audit_log
    error_message = "export_entra_audit_log makes an alert and needs location: where the workspace is, such as westeurope."
  }
}

variable "name" {
  description = "Part of the names of what is made in the subscription; the same as in the app stage."
  type        = string
  default     = "ispm"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "name is 2 to 10 lower-case letters and digits, the first a letter."
  }
}

variable "register_resource_providers" {
  description = "Whether missing resource provider registrations are made; `az provider register --namespace NAME` makes one by hand."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of what is made in the subscription."
  type        = map(string)
  default     = {}
  nullable    = false
}
