terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

variable "registry_id" {
  description = "The ID of the container registry, such as azurerm_container_registry.example.id."
  type        = string
}

resource "acr_continuous_patching_workflow" "example" {
  registry_id = var.registry_id
  schedule    = "7d"

  repositories = {
    "python" = { tags = ["3.11", "latest"] }
  }

  # Active runs still use the policy from before the update.
  lifecycle {
    action_trigger {
      events  = [before_update]
      actions = [action.acr_continuous_patching_cancel_runs.example]
    }
  }
}

# Manual invocation: terraform apply -invoke=action.acr_continuous_patching_cancel_runs.example
action "acr_continuous_patching_cancel_runs" "example" {
  config {
    registry_id = var.registry_id
  }
}
