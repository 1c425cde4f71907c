output "cluster" {
  description = "What a client needs: `name`, `location`, `endpoint` (https URL of the DNS endpoint), `context` (as gcloud names it), `workload_pool`, `mode`."
  value = {
    name          = google_container_cluster.this.name
    location      = google_container_cluster.this.location
    endpoint      = "https://${try(google_container_cluster.this.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint, "")}"
    context       = "gke_${var.project.id}_${google_container_cluster.this.location}_${google_container_cluster.this.name}"
    workload_pool = google_container_cluster.this.workload_identity_config[0].workload_pool
    mode          = var.mode
  }
  depends_on = [google_container_node_pool.this]
}

output "key_ring_name" {
  description = "Name of the key ring that the cluster's key is in."
  value       = google_kms_key_ring.this.name
}

output "nodes_service_account" {
  description = "Account of the nodes: `email` and IAM `member`; the image registry lets it read."
  value = {
    email  = google_service_account.nodes.email
    member = google_service_account.nodes.member
  }
}

output "image_policy" {
  description = "The policy for images, as it applies: `repositories` and `enforced`."
  value = {
    repositories = google_binary_authorization_policy.this.admission_whitelist_patterns[*].name_pattern
    enforced     = google_binary_authorization_policy.this.default_admission_rule[0].enforcement_mode == "ENFORCED_BLOCK_AND_AUDIT_LOG"
  }
}
