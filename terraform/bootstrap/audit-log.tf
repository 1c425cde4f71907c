# Logs who read the state, a secret or a key.
resource "google_project_iam_audit_config" "this" {
  for_each = toset(["storage.googleapis.com", "secretmanager.googleapis.com", "cloudkms.googleapis.com"])

  project = module.project_services.project_id
  service = each.value

  audit_log_config {
    log_type = "DATA_READ"
  }

  audit_log_config {
    log_type = "DATA_WRITE"
  }
}
