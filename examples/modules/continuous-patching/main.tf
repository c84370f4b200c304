# Manages Continuous Patching of any number of registries.

locals {
  workflows = {
    for key, registry in var.registries : key => merge(registry, {
      schedule     = coalesce(registry.schedule, var.schedule)
      repositories = registry.repositories == null ? var.repositories : registry.repositories
      start_time = registry.start_time != null || var.window == null ? registry.start_time : provider::acr::spread_time(
        registry.registry_id, var.window.from, var.window.to
      )
    })
  }
}

resource "acr_continuous_patching_workflow" "this" {
  for_each = local.workflows

  registry_id    = each.value.registry_id
  schedule       = each.value.schedule
  start_time     = each.value.start_time
  tag_convention = each.value.tag_convention
  enabled        = each.value.enabled
  preflight      = each.value.preflight
  adopt_existing = each.value.adopt_existing
  repositories   = each.value.repositories

  lifecycle {
    precondition {
      condition     = length(each.value.repositories) > 0
      error_message = "The registry ${each.key} has no repositories to patch. Set its repositories, or the variable repositories."
    }
  }
}
