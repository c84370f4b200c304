terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

# "00:55", between 22:00 and 04:00 UTC
output "start_time" {
  value = provider::acr::spread_time(
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/contoso",
    "22:00",
    "04:00",
  )
}
