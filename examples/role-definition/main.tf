# A custom role that is enough to manage the workflow of a registry with classic permissions.

terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0"
    }
  }
}

provider "azurerm" {
  features {}
}

variable "principal_id" {
  description = "The object ID of the identity that runs Terraform."
  type        = string
}

variable "registry_id" {
  description = "The ID of the container registry."
  type        = string
}

data "azurerm_subscription" "current" {}

resource "azurerm_role_definition" "patching" {
  name        = "Continuous Patching Administrator"
  scope       = data.azurerm_subscription.current.id
  description = "Manages the Continuous Patching workflow of a container registry with classic permissions."

  permissions {
    actions = [
      "Microsoft.Authorization/roleAssignments/delete",
      "Microsoft.Authorization/roleAssignments/read",
      "Microsoft.Authorization/roleAssignments/write",
      "Microsoft.ContainerRegistry/registries/artifacts/delete",
      "Microsoft.ContainerRegistry/registries/cacheRules/read",
      "Microsoft.ContainerRegistry/registries/pull/read",
      "Microsoft.ContainerRegistry/registries/push/write",
      "Microsoft.ContainerRegistry/registries/read",
      "Microsoft.ContainerRegistry/registries/runs/cancel/action",
      "Microsoft.ContainerRegistry/registries/runs/listLogSasUrl/action",
      "Microsoft.ContainerRegistry/registries/runs/read",
      "Microsoft.ContainerRegistry/registries/scheduleRun/action",
      "Microsoft.ContainerRegistry/registries/tasks/delete",
      "Microsoft.ContainerRegistry/registries/tasks/read",
      "Microsoft.ContainerRegistry/registries/tasks/write",
    ]
  }
}

resource "azurerm_role_assignment" "patching" {
  scope              = var.registry_id
  role_definition_id = azurerm_role_definition.patching.role_definition_resource_id
  principal_id       = var.principal_id
}
