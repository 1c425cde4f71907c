# Outlives the cluster: DNS points at it.
resource "google_compute_global_address" "this" {
  project      = var.project_id
  name         = "${var.name}-gateway"
  address_type = "EXTERNAL"
  ip_version   = "IPV4"
  labels       = var.labels
}
