output "network" {
  description = "The network: `id` and `name`. Known once private service access works, so that a database made from it finds its peering."
  value = {
    id   = google_compute_network.this.id
    name = google_compute_network.this.name
  }
  depends_on = [google_service_networking_connection.this]
}

output "subnetwork" {
  description = "The nodes' subnetwork: `id`, `name` and its ranges' names."
  value = {
    id             = google_compute_subnetwork.nodes.id
    name           = google_compute_subnetwork.nodes.name
    pods_range     = google_compute_subnetwork.nodes.secondary_ip_range[0].range_name
    services_range = google_compute_subnetwork.nodes.secondary_ip_range[1].range_name
  }
}

output "ranges" {
  description = "The IPv4 ranges in use."
  value       = var.ranges
}
