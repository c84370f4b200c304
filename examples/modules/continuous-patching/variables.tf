variable "registries" {
  description = "The registries to patch, by a key that never changes, such as the registry name. An argument that a registry omits has the default of the module's variable, or else the provider's default."
  type = map(object({
    registry_id    = string
    schedule       = optional(string)
    start_time     = optional(string)
    tag_convention = optional(string)
    enabled        = optional(bool)
    preflight      = optional(string)
    adopt_existing = optional(bool)
    repositories = optional(map(object({
      tags    = optional(set(string), ["*"])
      enabled = optional(bool)
    })))
  }))
  nullable = false

  validation {
    condition     = alltrue([for registry in var.registries : registry.schedule == null || can(provider::acr::schedule_days(registry.schedule))])
    error_message = "Each schedule must be a number of days from 1d to 30d, such as 7d."
  }

  validation {
    condition     = alltrue([for registry in var.registries : registry.start_time == null || can(provider::acr::next_run("1d", registry.start_time, "2026-01-01T00:00:00Z"))])
    error_message = "Each start_time must be a time of day in UTC, such as 02:30."
  }

  validation {
    condition     = length(distinct([for registry in var.registries : lower(registry.registry_id)])) == length(var.registries)
    error_message = "Each registry_id can have only one key, because a registry has one workflow at most."
  }
}

variable "schedule" {
  description = "How often the workflows run, from 1d to 30d, if a registry has no schedule of its own."
  type        = string
  default     = "7d"
  nullable    = false

  validation {
    condition     = can(provider::acr::schedule_days(var.schedule))
    error_message = "The schedule must be a number of days from 1d to 30d, such as 7d."
  }
}

variable "repositories" {
  description = "The repositories to patch in each registry that has no repositories of its own. Tags default to every tag."
  type = map(object({
    tags    = optional(set(string), ["*"])
    enabled = optional(bool)
  }))
  default  = {}
  nullable = false
}

variable "window" {
  description = "The maintenance window in UTC, such as from 22:00 to 04:00. It spreads the start times of the registries that have no start_time of their own. A registry keeps its time when other registries come or go."
  type = object({
    from = string
    to   = string
  })
  default = null

  validation {
    condition = var.window == null || can(provider::acr::spread_time(
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/example",
      var.window.from, var.window.to
    ))
    error_message = "Both ends of the window must be times of day in UTC, such as 22:00, and must differ."
  }
}

variable "next_runs_after" {
  description = "The time at which the output next_runs starts, as an RFC 3339 timestamp. With plantimestamp(), the output changes after each run. If omitted, the output is empty."
  type        = string
  default     = null
}
