output "schedule_cron" {
  description = "The cron expression of the workflow, in UTC."
  value       = acr_continuous_patching_workflow.demo.schedule_cron
}

output "role_assignments" {
  description = "The tasks and their roles."
  value       = keys(acr_continuous_patching_workflow.demo.role_assignments)
}
