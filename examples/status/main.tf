# Patches the images of a registry every week, and reports the patching status.

terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

provider "acr" {}

variable "registry_id" {
  description = "The ID of the container registry."
  type        = string
}

resource "acr_continuous_patching_workflow" "example" {
  registry_id = var.registry_id
  schedule    = "7d"

  repositories = {
    "python"   = { tags = ["*"] }
    "team/api" = { tags = ["*"] }
  }
}

data "acr_continuous_patching_status" "example" {
  registry_id = var.registry_id

  # Reads the status only after the workflow exists.
  depends_on = [acr_continuous_patching_workflow.example]
}

locals {
  images = data.acr_continuous_patching_status.example.images
  failed = [for image in local.images : image if contains([image.scan_status, image.patch_status], "Failed")]
}

output "counts" {
  description = "The number of images by patch status."
  value       = { for status, images in { for image in local.images : image.patch_status => image... } : status => length(images) }
}

output "patched" {
  description = "The patched image to deploy, by image."
  value       = { for image in local.images : image.image => image.patched_image if image.patched_image != null }
}

output "vulnerabilities" {
  description = "The number of vulnerabilities that the latest scan of each image found."
  value       = { for image in local.images : image.image => image.vulnerabilities if image.vulnerabilities != null }
}

output "end_of_life" {
  description = "The images that can no longer be patched, because their operating system is end-of-life."
  value       = [for image in local.images : image.image if try(strcontains(image.skip_reason, "EOSL"), false)]
}

output "failed" {
  description = "The errors, by image and run."
  value       = { for image in local.failed : "${image.image} (${image.scan_run_id})" => image.errors }
}

output "busy" {
  description = "The number of active runs."
  value       = length(data.acr_continuous_patching_status.example.active_run_ids)
}

check "no_failures" {
  assert {
    condition     = length(local.failed) == 0
    error_message = "Could not scan or patch ${join(", ", local.failed[*].image)}."
  }
}
