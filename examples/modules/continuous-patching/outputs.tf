output "ids" {
  description = "The ID of each registry, in the letter case that Azure returns."
  value       = { for key, workflow in acr_continuous_patching_workflow.this : key => workflow.id }
}

output "login_servers" {
  description = "The login server of each registry."
  value       = { for key, workflow in acr_continuous_patching_workflow.this : key => workflow.login_server }
}

output "policy_digests" {
  description = "The SHA-256 digest of each registry's policy. Registries with the same policy have the same digest."
  value       = { for key, workflow in acr_continuous_patching_workflow.this : key => workflow.policy_digest }
}

output "schedules" {
  description = "The days of the month and the time of day in UTC at which each workflow runs."
  value = {
    for key, workflow in acr_continuous_patching_workflow.this : key => {
      days       = provider::acr::schedule_days(workflow.schedule)
      start_time = workflow.start_time
      cron       = workflow.schedule_cron
    }
  }
}

output "next_runs" {
  description = "The time of each workflow's next run after next_runs_after. Workflows that are disabled have none."
  value = var.next_runs_after == null ? {} : {
    for key, workflow in acr_continuous_patching_workflow.this :
    key => provider::acr::next_run(workflow.schedule, workflow.start_time, var.next_runs_after) if workflow.enabled
  }
}
