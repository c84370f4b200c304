terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# Run `az login` first. The default account is the one in `az account show`.
# `subscription_id` or `tenant_id` selects another account.
provider "acr" {}
