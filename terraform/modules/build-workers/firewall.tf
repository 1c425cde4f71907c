# The same networks again, for the machines themselves: Concourse restricts containers, this restricts what leaves a container.
# Link-local traffic does not pass Google's firewall; scripts/close-metadata.sh closes it.
resource "google_compute_firewall" "deny_egress" {
  for_each = { for name, pool in var.pools : name => pool if length(pool.restricted_networks) > 0 }

  project     = var.project_id
  name        = "concourse-workers${local.suffixes[each.key]}-deny-egress"
  description = "Build machines do not reach these networks."
  network     = var.network_id
  direction   = "EGRESS"
  priority    = 1000

  destination_ranges      = each.value.restricted_networks
  target_service_accounts = [google_service_account.this[each.key].email]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "allow_registration" {
  project     = var.project_id
  name        = "concourse-workers-allow-registration"
  description = "Workers register at Concourse's worker gateway."
  network     = var.network_id
  direction   = "EGRESS"
  priority    = 900

  destination_ranges      = ["${var.address}/32"]
  target_service_accounts = [for account in google_service_account.this : account.email]

  allow {
    protocol = "tcp"
    ports    = ["2222"]
  }
}
