variable "registry_id" {
  description = "The ID of the registry whose images are patched."
  type        = string
}

variable "schedule" {
  description = "How often, from 1d to 30d."
  type        = string
  default     = "7d"
}

variable "python_tags" {
  description = "The tags of the repository python that are patched."
  type        = set(string)
  default     = ["3.11"]
}
