terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# [1, 8, 15, 22, 29]
output "days" {
  value = provider::acr::schedule_days("7d")
}
