terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

variable "registry_ids" {
  description = "The IDs of the registries, by a name that you choose."
  type        = map(string)
}

import {
  for_each = var.registry_ids
  to       = acr_continuous_patching_workflow.fleet[each.key]
  id       = each.value
}

resource "acr_continuous_patching_workflow" "fleet" {
  for_each = var.registry_ids

  registry_id = each.value
  schedule    = "7d"

  repositories = {
    "python" = { tags = ["*"] }
  }
}
