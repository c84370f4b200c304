terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

variable "registry_id" {
  description = "The ID of the container registry, such as data.azurerm_container_registry.example.id."
  type        = string
}

# The images that the next run selects with the registry's policy
data "acr_continuous_patching_images" "live" {
  registry_id = var.registry_id
}

output "next_patches" {
  description = "The patches that the next run may push, by repository."
  value = {
    for image in data.acr_continuous_patching_images.live.images :
    image.repository => image.next_patch_tag...
  }
}

# The images that another policy would select, before you apply it
locals {
  repositories = {
    "python"      = { tags = ["*"] }
    "team/api-fw" = { tags = ["1.4", "latest"] }
  }
}

data "acr_continuous_patching_images" "wider" {
  registry_id    = var.registry_id
  repositories   = local.repositories
  tag_convention = "floating"
}

output "never_patched" {
  description = "The images that the wider policy would patch for the first time."
  value = [
    for image in data.acr_continuous_patching_images.wider.images :
    "${image.repository}:${image.tag}" if image.latest_patch_tag == null
  ]
}

output "not_found" {
  description = "The repositories and tags of the wider policy that do not exist."
  value       = data.acr_continuous_patching_images.wider.not_found
}

check "run_limit_is_not_exceeded" {
  assert {
    condition = (
      data.acr_continuous_patching_images.wider.total
      <= data.acr_continuous_patching_images.wider.limit
    )
    error_message = "A run would fail: the wider policy selects more images than a run takes."
  }
}
