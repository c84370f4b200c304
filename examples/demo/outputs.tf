output "schedule_cron" {
  description = "When the workflow runs, in UTC."
  value       = acr_continuous_patching_workflow.demo.schedule_cron
}

output "role_assignments" {
  description = "What the tasks' identities may do."
  value       = keys(acr_continuous_patching_workflow.demo.role_assignments)
}
