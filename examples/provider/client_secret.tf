terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

provider "acr" {
  tenant_id     = "10000000-0000-0000-0000-000000000000"
  client_id     = "20000000-0000-0000-0000-000000000000"
  client_secret = var.client_secret # or ARM_CLIENT_SECRET

  use_cli = false
}

variable "client_secret" {
  type      = string
  sensitive = true
}
