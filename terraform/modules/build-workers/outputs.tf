output "worker_address" {
  description = "Internal address of Concourse's worker gateway."
  value       = google_compute_address.worker_gateway.address
}

output "service_accounts" {
  description = "E-mail of the machines' account, by pool."
  value       = { for pool, account in google_service_account.this : pool => account.email }
}
