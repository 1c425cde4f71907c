# Google runs Cloud SQL in a network of its own, peered with this one over this range.
resource "google_compute_global_address" "services_access" {
  project = var.project_id
  name    = "${var.name}-services-access"
  network = google_compute_network.this.id

  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = split("/", var.ranges.services_access)[0]
  prefix_length = tonumber(split("/", var.ranges.services_access)[1])
}

resource "google_service_networking_connection" "this" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services_access.name]

  # Google keeps it for days after the last instance is deleted, in case that is restored, and refuses to delete it until then.
  # `cargo xtask infra destroy` removes the peering itself; otherwise it would keep the network.
  deletion_policy = "ABANDON"
  # A peering that an earlier destroy left is reused instead of refused.
  update_on_creation_fail = true
}
