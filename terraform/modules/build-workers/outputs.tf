output "worker_address" {
  description = "Internal address of Concourse's worker gateway."
  value       = google_compute_address.worker_gateway.address
}

output "service_account" {
  description = "E-mail of the machines' account."
  value       = google_service_account.this.email
}
