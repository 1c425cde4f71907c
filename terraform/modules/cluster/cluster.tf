locals {
  autopilot = var.mode == "autopilot"
  # Autopilot always has these on and rejects the arguments.
  standard_only = local.autopilot ? null : true
}

# One resource for both modes, so that every control below holds for both.
resource "google_container_cluster" "this" {
  #checkov:skip=CKV_GCP_12:Dataplane V2 enforces network policies by itself; the Calico switch excludes it.
  #checkov:skip=CKV_GCP_21:resource_labels has those of the stack; checkov does not resolve the variable through two modules.
  #checkov:skip=CKV_GCP_20:The IP endpoints are switched off altogether, so there is no network to authorize; the DNS endpoint asks IAM.
  #checkov:skip=CKV_GCP_65:Google Groups for RBAC need an organization's domain, which an empty project may not have; IAM decides who gets in.
  #checkov:skip=CKV_GCP_69:The metadata server is set on the node pool; the default pool is removed, Autopilot has it on.
  project  = var.project.id
  location = var.location
  name     = var.name

  enable_autopilot         = local.autopilot ? true : null
  remove_default_node_pool = local.standard_only
  initial_node_count       = local.autopilot ? null : 1

  # The default pool, which Google requires and which is removed after minutes. Without this account its machine would
  # run as the project's default account, which may be deleted or lack the role that nodes register with.
  dynamic "node_config" {
    for_each = local.autopilot ? [] : [true]
    content {
      service_account = google_service_account.nodes.email
      oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
      spot            = var.node_pool.spot
      disk_size_gb    = 20
      shielded_instance_config {
        enable_secure_boot          = true
        enable_integrity_monitoring = true
      }
      workload_metadata_config {
        mode = "GKE_METADATA"
      }
    }
  }

  network         = var.network.network
  subnetwork      = var.network.subnetwork
  networking_mode = "VPC_NATIVE"

  ip_allocation_policy {
    cluster_secondary_range_name  = var.network.pods_range
    services_secondary_range_name = var.network.services_range
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true
  }

  # The API server answers under a name of Google's that asks IAM before Kubernetes; it has no address of its own.
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = true
    }
    ip_endpoints_config {
      enabled = false
    }
  }

  datapath_provider           = "ADVANCED_DATAPATH"
  enable_intranode_visibility = local.standard_only
  enable_shielded_nodes       = local.standard_only
  enable_legacy_abac          = false

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  workload_identity_config {
    workload_pool = "${var.project.id}.svc.id.goog"
  }

  database_encryption {
    state    = "ENCRYPTED"
    key_name = google_kms_crypto_key.etcd.id
  }

  release_channel {
    channel = var.release_channel
  }

  maintenance_policy {
    recurring_window {
      start_time = var.maintenance.start_time
      end_time   = var.maintenance.end_time
      recurrence = var.maintenance.recurrence
    }
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }

  security_posture_config {
    mode = "BASIC"
    # Google has removed the vulnerability scan of the basic mode; images are scanned where they are built.
    vulnerability_mode = "VULNERABILITY_DISABLED"
  }

  cost_management_config {
    enabled = true
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]

    # Autopilot collects for Google's Prometheus in any case.
    managed_prometheus {
      enabled = local.autopilot || var.managed_prometheus
    }
  }

  # Autopilot makes its nodes by itself; this is the account they run as.
  dynamic "cluster_autoscaling" {
    for_each = local.autopilot ? [true] : []
    content {
      auto_provisioning_defaults {
        service_account = google_service_account.nodes.email
        oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
      }
    }
  }

  resource_labels     = var.labels
  deletion_protection = var.deletion_protection

  lifecycle {
    # Google counts the nodes of the default pool that was removed.
    ignore_changes = [initial_node_count, node_config]
  }

  depends_on = [google_kms_crypto_key_iam_member.etcd, google_project_iam_member.nodes]
}
