terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# { base = "3.11", convention = "incremental", number = 2 }
output "patch" {
  value = provider::acr::parse_tag("3.11-2")
}

# { base = "latest", convention = null, number = null }
output "no_patch" {
  value = provider::acr::parse_tag("latest")
}
