resource "google_project_iam_member" "this" {
  for_each = var.roles

  project = var.project_id
  role    = each.value
  member  = google_service_account.this.member
}

resource "google_service_account_iam_member" "workload" {
  count = var.workload == null ? 0 : 1

  service_account_id = google_service_account.this.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.workload.pool}[${var.workload.namespace}/${var.workload.service_account}]"
}
