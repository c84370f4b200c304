# Imports a workflow that the Azure CLI created.

terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

provider "acr" {}

variable "registry_id" {
  description = "The ID of the container registry."
  type        = string
}

import {
  to = acr_continuous_patching_workflow.imported
  id = var.registry_id
}

resource "acr_continuous_patching_workflow" "imported" {
  registry_id = var.registry_id
  schedule    = "7d"

  repositories = {
    "web" = { tags = ["*"] }
  }
}
