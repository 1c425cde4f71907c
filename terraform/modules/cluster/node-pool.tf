# Standard mode only.
resource "google_container_node_pool" "this" {
  count = local.autopilot ? 0 : 1

  project  = var.project.id
  location = var.location
  cluster  = google_container_cluster.this.name
  name     = var.node_pool.spot ? "spot" : "on-demand"

  initial_node_count = max(1, var.node_pool.min_nodes)

  autoscaling {
    min_node_count = var.node_pool.min_nodes
    max_node_count = var.node_pool.max_nodes
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  network_config {
    enable_private_nodes = true
  }

  node_config {
    machine_type    = var.node_pool.machine_type
    image_type      = "COS_CONTAINERD"
    disk_size_gb    = var.node_pool.disk_gib
    disk_type       = "pd-balanced"
    spot            = var.node_pool.spot
    service_account = google_service_account.nodes.email
    # Access is narrowed by the account's IAM roles; scopes are the older, coarser way.
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    resource_labels = var.labels

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    metadata = {
      disable-legacy-endpoints = "true"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}
