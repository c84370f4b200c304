terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

variable "registry_id" {
  description = "The ID of the container registry, such as azurerm_container_registry.example.id."
  type        = string
}

# The status of all images within the interval of the workflow's schedule
data "acr_continuous_patching_status" "example" {
  registry_id = var.registry_id
}

# The images by patch status, such as { Skipped = ["python:3.12"], Succeeded = ["python:3.11"] }
output "images_by_patch_status" {
  value = {
    for image in data.acr_continuous_patching_status.example.images : image.patch_status => image.image...
  }
}

# The newest patch of each image, such as { "python:3.11" = "python:3.11-1" }
output "patched_images" {
  value = {
    for image in data.acr_continuous_patching_status.example.images : image.image => image.patched_image
    if image.patched_image != null
  }
}

# The images that failed in the last 30 days, with their errors
data "acr_continuous_patching_status" "failed" {
  registry_id   = var.registry_id
  status        = "Failed"
  lookback_days = 30

  # The provider requests a link to the log of each scan. Azure returns about ten links per second.
  timeouts {
    read = "15m"
  }
}

output "errors" {
  value = {
    for image in data.acr_continuous_patching_status.failed.images :
    "${image.image} (scan ${image.scan_run_id})" => image.errors
  }
}

# Shows a warning in each plan and apply while an image has failed
check "every_image_is_patched" {
  assert {
    condition     = length(data.acr_continuous_patching_status.failed.images) == 0
    error_message = "Could not patch ${join(", ", data.acr_continuous_patching_status.failed.images[*].image)}."
  }
}
