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

locals {
  policy = provider::acr::policy_from_json(file("${path.module}/continuouspatching.json"))
}

resource "acr_continuous_patching_workflow" "example" {
  registry_id    = var.registry_id
  schedule       = "7d"
  repositories   = local.policy.repositories
  tag_convention = local.policy.tag_convention
}
