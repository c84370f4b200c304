# A registry with a Continuous Patching workflow, and the roles of the identity that manages it.

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

provider "acr" {}

provider "azurerm" {
  features {}
}

data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "example" {
  name     = "example"
  location = "westeurope"
}

resource "azurerm_container_registry" "example" {
  name                = "contoso" # Choose a name that no other registry in Azure has.
  resource_group_name = azurerm_resource_group.example.name
  location            = azurerm_resource_group.example.location
  sku                 = "Basic"
}

# The roles that manage a workflow, for the identity that runs Terraform.
resource "azurerm_role_assignment" "caller" {
  for_each = toset([
    "Container Registry Tasks Contributor",
    "Role Based Access Control Administrator",
    "AcrPush",
    "AcrDelete",
  ])

  scope                = azurerm_container_registry.example.id
  role_definition_name = each.key
  principal_id         = data.azurerm_client_config.current.object_id
}

resource "acr_continuous_patching_workflow" "example" {
  registry_id = azurerm_container_registry.example.id
  schedule    = "7d"

  repositories = {
    "python"   = { tags = ["3.11", "3.12"] }
    "team/api" = { tags = ["*"] }
  }

  # The roles must exist before the create, and until the destroy has ended.
  depends_on = [azurerm_role_assignment.caller]
}

output "schedule_cron" {
  description = "The cron expression of the workflow, in UTC."
  value       = acr_continuous_patching_workflow.example.schedule_cron
}
