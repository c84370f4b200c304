terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# Requires a job with `permissions: { id-token: write }`. The runner then sets the request URL and token.
provider "acr" {
  tenant_id = "10000000-0000-0000-0000-000000000000"
  client_id = "20000000-0000-0000-0000-000000000000"
  use_oidc  = true

  use_cli = false
}
