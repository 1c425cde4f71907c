output "email" {
  description = "E-mail address of the account, for the annotation iam.gke.io/gcp-service-account."
  value       = google_service_account.this.email
}

output "member" {
  description = "The account as an IAM member."
  value       = google_service_account.this.member
}
