terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# Requires a pod with the label `azure.workload.identity/use: "true"`.
provider "acr" {
  use_aks_workload_identity = true

  use_cli = false
}
