terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# Requires a pipeline step with `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`.
provider "acr" {
  tenant_id                          = "10000000-0000-0000-0000-000000000000"
  client_id                          = "20000000-0000-0000-0000-000000000000"
  use_oidc                           = true
  ado_pipeline_service_connection_id = "30000000-0000-0000-0000-000000000000"

  use_cli = false
}
