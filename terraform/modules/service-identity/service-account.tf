# No key is ever made for it: pods get short-lived tokens through Workload Identity.
resource "google_service_account" "this" {
  project      = var.project_id
  account_id   = var.name
  display_name = var.name
  description  = var.description
}
