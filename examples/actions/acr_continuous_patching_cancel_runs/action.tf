variable "registry_id" {
  description = "The registry, such as azurerm_container_registry.example.id."
  type        = string
}

resource "acr_continuous_patching_workflow" "example" {
  registry_id = var.registry_id
  schedule    = "7d"

  repositories = {
    "python" = { tags = ["3.11", "latest"] }
  }

  # What is still on its way goes by the policy as it was before
  lifecycle {
    action_trigger {
      events  = [before_update]
      actions = [action.acr_continuous_patching_cancel_runs.example]
    }
  }
}

# By hand: terraform apply -invoke=action.acr_continuous_patching_cancel_runs.example
action "acr_continuous_patching_cancel_runs" "example" {
  config {
    registry_id = var.registry_id
  }
}
