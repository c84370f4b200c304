terraform {
  required_version = ">= 1.8"

  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
  }
}

provider "acr" {}

provider "azurerm" {
  features {}
}
