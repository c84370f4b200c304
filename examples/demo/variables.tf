variable "registry_id" {
  description = "The ID of the container registry."
  type        = string
}

variable "schedule" {
  description = "How often the workflow runs, from 1d to 30d."
  type        = string
  default     = "7d"
}

variable "python_tags" {
  description = "The tags to patch in the repository python."
  type        = set(string)
  default     = ["3.11"]
}
