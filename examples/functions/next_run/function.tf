terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# "2026-06-15T02:30:00Z"
output "next_run" {
  value = provider::acr::next_run("7d", "02:30", "2026-06-10T12:00:00Z")
}
