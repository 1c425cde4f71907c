output "uptime_checks" {
  description = "Ids of the uptime checks by host key."
  value       = { for key, check in google_monitoring_uptime_check_config.hosts : key => check.uptime_check_id }
}
