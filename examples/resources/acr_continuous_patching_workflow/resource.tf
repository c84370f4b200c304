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
  start_time  = "02:30"

  repositories = {
    "python"      = { tags = ["3.11", "latest"] }
    "team/api-fw" = { tags = ["*"], enabled = false }
  }
}
