output "login_servers" {
  description = "The login server of each registry."
  value       = module.patching.login_servers
}

output "start_times" {
  description = "The time of day in UTC at which each workflow runs."
  value       = { for name, schedule in module.patching.schedules : name => schedule.start_time }
}
