variable "resource_group_name" {
  description = "The resource group of all registries. It must not exist yet."
  type        = string
  default     = "registries"
}

variable "location" {
  description = "The region of each registry that has no location of its own."
  type        = string
  default     = "westeurope"
}

variable "registries" {
  description = "The registries to create and patch, by name. A name is unique in all of Azure, and has 5 to 50 letters and digits."
  type = map(object({
    location = optional(string)
    sku      = optional(string, "Standard")
    schedule = optional(string)
    repositories = optional(map(object({
      tags    = optional(set(string), ["*"])
      enabled = optional(bool)
    })))
  }))

  validation {
    condition     = alltrue([for name in keys(var.registries) : can(regex("^[0-9A-Za-z]{5,50}$", name))])
    error_message = "A registry name has 5 to 50 letters and digits."
  }
}

variable "repositories" {
  description = "The repositories to patch in each registry that has no repositories of its own."
  type = map(object({
    tags    = optional(set(string), ["*"])
    enabled = optional(bool)
  }))
  default = {
    "base/python" = {}
    "base/node"   = { tags = ["22", "latest"] }
  }
}
