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

# They find the cluster and connect to it, and may do nothing in it by IAM.
resource "google_project_iam_member" "viewers" {
  for_each = var.viewers

  project = var.project.id
  role    = "roles/container.clusterViewer"
  member  = each.value
}
