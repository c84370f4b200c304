terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# Signs in as the ARM_* environment variables say, or else with the Azure CLI.
provider "acr" {}
