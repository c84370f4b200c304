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

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.acr_continuous_patching_run.example]
    }
  }
}

# Manual invocation: terraform apply -invoke=action.acr_continuous_patching_run.example
action "acr_continuous_patching_run" "example" {
  config {
    registry_id = acr_continuous_patching_workflow.example.id
    wait        = true
    timeout     = "15m"
  }
}
