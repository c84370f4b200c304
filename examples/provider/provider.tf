terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# Authenticates with the ARM_* environment variables, or with the Azure CLI if they configure no method.
provider "acr" {}
