terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

import {
  to = acr_continuous_patching_workflow.example
  identity = {
    subscription_id     = "00000000-0000-0000-0000-000000000000"
    resource_group_name = "example"
    registry_name       = "contoso"
  }
}

resource "acr_continuous_patching_workflow" "example" {
  registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/contoso"
  schedule    = "7d"
  start_time  = "02:30"

  repositories = {
    "python"      = { tags = ["3.11", "latest"] }
    "team/api-fw" = { tags = ["*"], enabled = false }
  }
}
