variable "registry_id" {
  description = "The registry, such as data.azurerm_container_registry.example.id."
  type        = string
}

data "acr_continuous_patching_workflow" "example" {
  registry_id = var.registry_id
}

output "patched_tags" {
  description = "The tags that are patched, by repository."
  value = {
    for name, repository in coalesce(data.acr_continuous_patching_workflow.example.repositories, {}) :
    name => repository.tags if repository.enabled
  }
}

output "principals" {
  description = "The identities of the tasks, for firewalls, alerts and reviews of access."
  value = {
    for name, task in data.acr_continuous_patching_workflow.example.tasks :
    name => task.principal_id if task.principal_id != null
  }
}

check "the_workflow_runs" {
  assert {
    condition     = data.acr_continuous_patching_workflow.example.enabled
    error_message = "Continuous Patching of this registry doesn't run on its schedule."
  }
}
