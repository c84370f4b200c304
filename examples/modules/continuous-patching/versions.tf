terraform {
  required_version = ">= 1.8"

  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}
