terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.55"
    }
    azapi = {
      source  = "Azure/azapi"
      version = "~> 2.7"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}

provider "azurerm" {
  environment     = var.cloud
  subscription_id = var.subscription_id

  # The accounts refuse keys, and in the private variant they refuse this machine: everything goes through Resource Manager.
  storage_use_azuread = true

  resource_provider_registrations = "none"
  resource_providers_to_register  = var.register_resource_providers ? local.resource_providers : []

  features {
    application_insights {
      # Azure would add an alert rule of its own beside these, which `terraform destroy` does not know.
      disable_generated_rule = true
    }
    storage {
      data_plane_available = false
    }
    key_vault {
      # Purge protection forbids it, and a new deployment has a new name: nothing to purge, nothing to recover.
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = false
    }
  }
}

provider "azapi" {
  environment                = var.cloud
  subscription_id            = var.subscription_id
  skip_provider_registration = true
}
