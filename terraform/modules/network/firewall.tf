# Denies what no rule below allows. Google's implied rule does the same; this one is visible and logs.
resource "google_compute_firewall" "deny_ingress" {
  project     = var.project_id
  name        = "${var.name}-deny-ingress"
  description = "Denies what no other rule allows."
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 65534

  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "allow_internal" {
  project     = var.project_id
  name        = "${var.name}-allow-internal"
  description = "Nodes and pods among themselves; network policies in the cluster narrow it further."
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 1000

  source_ranges = [var.ranges.nodes, var.ranges.pods]

  allow {
    protocol = "tcp"
    ports    = ["0-65535"]
  }

  allow {
    protocol = "udp"
    ports    = ["0-65535"]
  }

  allow {
    protocol = "icmp"
  }
}

resource "google_compute_firewall" "allow_load_balancer" {
  project     = var.project_id
  name        = "${var.name}-allow-load-balancer"
  description = "Google's front ends and health checks, which reach pods directly; the two ranges are published by Google."
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 1000

  source_ranges = ["35.191.0.0/16", "130.211.0.0/22"]

  allow {
    protocol = "tcp"
    ports    = ["3000", "8080", "8081", "9000", "9090"]
  }
}
