resource "google_compute_ssl_policy" "this" {
  project         = var.project_id
  name            = "${var.name}-gateway"
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}
