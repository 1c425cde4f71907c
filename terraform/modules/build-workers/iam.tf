resource "google_service_account" "this" {
  project      = var.project_id
  account_id   = "concourse-workers"
  display_name = "Machines that Concourse builds on"
}

# The two keys that it registers with, and no other secret.
resource "google_secret_manager_secret_iam_member" "keys" {
  for_each = { worker_key = var.secrets.worker_key, host_key = var.secrets.host_key }

  project   = var.project_id
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}
