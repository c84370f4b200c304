terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

locals {
  registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/contoso"
  policy      = provider::acr::policy_from_json(file("${path.module}/continuouspatching.json"))
}

import {
  to = acr_continuous_patching_workflow.example
  id = local.registry_id
}

resource "acr_continuous_patching_workflow" "example" {
  registry_id    = local.registry_id
  schedule       = "7d"
  repositories   = local.policy.repositories
  tag_convention = local.policy.tag_convention
}
