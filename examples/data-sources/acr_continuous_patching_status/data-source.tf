variable "registry_id" {
  description = "The registry, such as azurerm_container_registry.example.id."
  type        = string
}

# What has become of every image since the schedule's last turn
data "acr_continuous_patching_status" "example" {
  registry_id = var.registry_id
}

# The images by how their patches went, such as { Skipped = ["python:3.12"], Succeeded = ["python:3.11"] }
output "images_by_patch_status" {
  value = {
    for image in data.acr_continuous_patching_status.example.images : image.patch_status => image.image...
  }
}

# Which image is patched as what, such as { "python:3.11" = "python:3.11-1" }
output "patched_images" {
  value = {
    for image in data.acr_continuous_patching_status.example.images : image.image => image.patched_image
    if image.patched_image != null
  }
}

# The images that failed within the last 30 days, with what went wrong
data "acr_continuous_patching_status" "failed" {
  registry_id   = var.registry_id
  status        = "Failed"
  lookback_days = 30

  # Each scan takes a request for its log, and Azure lets ten of them pass a second
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

# A warning with each plan and apply while there are any
check "every_image_is_patched" {
  assert {
    condition     = length(data.acr_continuous_patching_status.failed.images) == 0
    error_message = "Could not patch ${join(", ", data.acr_continuous_patching_status.failed.images[*].image)}."
  }
}
