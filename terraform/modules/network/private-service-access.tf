# Google runs Cloud SQL in a network of its own, peered with ours over this range.
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

  # Google holds on to it for days after the last instance, in case that is restored, and refuses to delete it so long.
  # `cargo xtask infra destroy` takes the peering away itself, which would keep the network otherwise.
  deletion_policy = "ABANDON"
  # One that an earlier destroy left behind is taken over instead of refused.
  update_on_creation_fail = true
}
