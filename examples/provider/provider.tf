terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# Signs in with ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET where they are set, and else as
# the Azure CLI is signed in.
provider "acr" {}
