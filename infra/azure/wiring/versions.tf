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
  }
}

provider "azurerm" {
  environment                     = var.cloud
  subscription_id                 = var.subscription_id
  resource_provider_registrations = "none"

  features {}
}

provider "azapi" {
  environment                = var.cloud
  subscription_id            = var.subscription_id
  skip_provider_registration = true
}
