variable "registry_id" {
  description = "The registry, such as data.azurerm_container_registry.example.id."
  type        = string
}

# What the next run takes, by the registry's policy
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

# What another policy would take, before anybody applies it
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
  value = data.acr_continuous_patching_images.wider.not_found
}

check "a_run_takes_them_all" {
  assert {
    condition = (
      data.acr_continuous_patching_images.wider.total
      <= data.acr_continuous_patching_images.wider.limit
    )
    error_message = "A run would fail: the wider policy selects more images than it takes."
  }
}
