# Alerts when a task of a registry is changed or deleted.

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

variable "registry_id" {
  description = "The ID of the container registry."
  type        = string
}

variable "resource_group_name" {
  description = "The resource group of the alerts."
  type        = string
}

variable "action_group_id" {
  description = "The ID of the action group that the alerts notify."
  type        = string
}

resource "azurerm_monitor_activity_log_alert" "tasks" {
  for_each = toset(["delete", "write"])

  name                = "continuous-patching-task-${each.key}"
  resource_group_name = var.resource_group_name
  location            = "global"
  scopes              = [var.registry_id]
  description         = "A task of the registry was changed."

  criteria {
    category       = "Administrative"
    operation_name = "Microsoft.ContainerRegistry/registries/tasks/${each.key}"
    status         = "Succeeded"
  }

  action {
    action_group_id = var.action_group_id
  }
}
