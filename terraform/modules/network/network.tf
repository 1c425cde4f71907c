# Every range is stated below, so that nothing appears in a region that nobody chose.
resource "google_compute_network" "this" {
  project = var.project_id
  name    = var.name

  auto_create_subnetworks         = false
  delete_default_routes_on_create = false
  routing_mode                    = "REGIONAL"
}

resource "google_compute_subnetwork" "nodes" {
  project = var.project_id
  region  = var.region
  name    = "${var.name}-nodes"
  network = google_compute_network.this.id

  ip_cidr_range = var.ranges.nodes
  # Nodes have no public address, and still reach Google's APIs.
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.ranges.pods
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.ranges.services
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = var.flow_log_sampling
    metadata             = "INCLUDE_ALL_METADATA"
  }
}
