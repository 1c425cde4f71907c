output "state_bucket" {
  description = "Bucket of the environments' states."
  value       = google_storage_bucket.state.name
}

output "infrastructure_account" {
  description = "Account that applies the environments."
  value       = google_service_account.infrastructure.email
}

output "delivery_account" {
  description = "Account that pushes images and deploys: the environments' `delivery_account`."
  value       = google_service_account.delivery.email
}

output "workload_identity_provider" {
  description = "Full name of the provider that Concourse's tokens are exchanged at; null until there is a Concourse."
  value       = one(google_iam_workload_identity_pool_provider.concourse[*].name)
}
