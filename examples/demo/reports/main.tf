# The images that the next run selects, and the latest result for each image.

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

data "acr_continuous_patching_images" "demo" {
  registry_id = var.registry_id
}

data "acr_continuous_patching_status" "demo" {
  registry_id = var.registry_id
}

output "next_patches" {
  description = "The patch that the next run may push, by image."
  value = {
    for image in data.acr_continuous_patching_images.demo.images :
    "${image.repository}:${image.tag}" => image.next_patch_tag
  }
}

output "status" {
  description = "The patched image to deploy, by image. If Azure has not patched the image, the value says why."
  value = {
    for image in data.acr_continuous_patching_status.demo.images :
    image.image => coalesce(image.patched_image, image.skip_reason, image.patch_status)
  }
}
