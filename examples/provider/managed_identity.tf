terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

provider "acr" {
  use_msi = true

  # Only for a user-assigned managed identity:
  client_id = "20000000-0000-0000-0000-000000000000"

  use_cli = false
}
