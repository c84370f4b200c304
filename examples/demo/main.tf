# Scans and patches the images of a registry on a schedule.

terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

provider "acr" {}

resource "acr_continuous_patching_workflow" "demo" {
  registry_id = var.registry_id
  schedule    = var.schedule
  start_time  = "02:30"

  repositories = {
    "python"   = { tags = var.python_tags }
    "team/api" = { tags = ["*"] }
  }
}
