terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

provider "acr" {
  tenant_id                   = "10000000-0000-0000-0000-000000000000"
  client_id                   = "20000000-0000-0000-0000-000000000000"
  client_certificate_path     = "/etc/acr/client.pfx"
  client_certificate_password = var.client_certificate_password # or ARM_CLIENT_CERTIFICATE_PASSWORD

  use_cli = false
}

variable "client_certificate_password" {
  type      = string
  sensitive = true
}
