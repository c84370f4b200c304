terraform {
  required_providers {
    acr = {
      source = "acrpatch/acr"
    }
  }
}

variable "registries" {
  description = "The workflows, by a name that you choose. `repositories` has the tags of each repository."
  type = map(object({
    registry_id  = string
    schedule     = optional(string, "7d")
    repositories = map(set(string))
  }))
}

resource "acr_continuous_patching_workflow" "fleet" {
  for_each = var.registries

  registry_id  = each.value.registry_id
  schedule     = each.value.schedule
  repositories = { for name, tags in each.value.repositories : name => { tags = tags } }
}

output "schedules" {
  description = "The cron expression of each workflow, in UTC."
  value       = { for name, workflow in acr_continuous_patching_workflow.fleet : name => workflow.schedule_cron }
}
