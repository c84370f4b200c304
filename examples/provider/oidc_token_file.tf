terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

provider "acr" {
  tenant_id            = "10000000-0000-0000-0000-000000000000"
  client_id            = "20000000-0000-0000-0000-000000000000"
  use_oidc             = true
  oidc_token_file_path = "/var/run/secrets/tokens/azure"

  use_cli = false
}
