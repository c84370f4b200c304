# A plan of this configuration fails if an image could not be patched, or if no run has scanned an image.

terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

variable "registry_id" {
  description = "The ID of the container registry."
  type        = string
}

data "acr_continuous_patching_status" "gate" {
  registry_id   = var.registry_id
  lookback_days = 30

  lifecycle {
    postcondition {
      condition     = length(self.images) > 0
      error_message = "The workflow has scanned no image for 30 days."
    }

    postcondition {
      condition = alltrue([
        for image in self.images : image.scan_status != "Failed" && image.patch_status != "Failed"
      ])
      error_message = join("\n", [
        for image in self.images : "${image.image}: ${join("; ", image.errors)}"
        if image.scan_status == "Failed" || image.patch_status == "Failed"
      ])
    }
  }
}
