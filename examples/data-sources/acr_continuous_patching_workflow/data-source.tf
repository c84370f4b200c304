terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

variable "registry_id" {
  description = "The ID of the container registry, such as data.azurerm_container_registry.example.id."
  type        = string
}

data "acr_continuous_patching_workflow" "example" {
  registry_id = var.registry_id
}

output "patched_tags" {
  description = "The patched tags, by repository."
  value = {
    for name, repository in coalesce(data.acr_continuous_patching_workflow.example.repositories, {}) :
    name => repository.tags if repository.enabled
  }
}

output "principals" {
  description = "The principal IDs of the tasks, for firewalls, alerts and access reviews."
  value = {
    for name, task in data.acr_continuous_patching_workflow.example.tasks :
    name => task.principal_id if task.principal_id != null
  }
}

check "workflow_is_enabled" {
  assert {
    condition     = data.acr_continuous_patching_workflow.example.enabled
    error_message = "The Continuous Patching workflow of this registry doesn't run on its schedule."
  }
}
