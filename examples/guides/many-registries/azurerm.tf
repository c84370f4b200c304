terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0"
    }
  }
}

provider "azurerm" {
  features {}
}

resource "azurerm_resource_group" "fleet" {
  name     = "fleet"
  location = "westeurope"
}

resource "azurerm_container_registry" "fleet" {
  for_each = toset(["contosodev", "contosoprod"])

  name                = each.key
  resource_group_name = azurerm_resource_group.fleet.name
  location            = azurerm_resource_group.fleet.location
  sku                 = "Standard"
}

resource "acr_continuous_patching_workflow" "fleet" {
  for_each = azurerm_container_registry.fleet

  registry_id = each.value.id
  schedule    = "7d"

  repositories = {
    "python" = { tags = ["*"] }
  }
}
