# Nodes run as this account, not as the project's default one, which may edit everything.
resource "google_service_account" "nodes" {
  project      = var.project.id
  account_id   = "${var.name}-nodes"
  display_name = "Nodes of the cluster ${var.name}"
}

resource "google_project_iam_member" "nodes" {
  project = var.project.id
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes.member
}

resource "google_project_iam_member" "developers" {
  for_each = var.developers

  project = var.project.id
  role    = "roles/container.developer"
  member  = each.value
}
