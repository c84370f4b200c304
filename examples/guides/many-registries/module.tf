terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

module "patching" {
  source = "./modules/continuous-patching"

  registries = {
    "contoso" = {
      registry_id  = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/contoso"
      repositories = { "python" = { tags = ["3.11", "latest"] } }
    }
    "fabrikam" = {
      registry_id  = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/fabrikam"
      schedule     = "14d"
      repositories = { "team/api" = {} }
    }
  }
}
