resource "google_dns_managed_zone" "this" {
  count = var.existing_zone == null ? 1 : 0

  project     = var.project_id
  name        = replace(var.domain, ".", "-")
  dns_name    = "${var.domain}."
  description = "Hosts of Roster."
  visibility  = "public"
  labels      = var.labels

  dnssec_config {
    state         = "on"
    non_existence = "nsec3"

    default_key_specs {
      algorithm  = "ecdsap256sha256"
      key_type   = "keySigning"
      key_length = 256
    }

    default_key_specs {
      algorithm  = "ecdsap256sha256"
      key_type   = "zoneSigning"
      key_length = 256
    }
  }

  cloud_logging_config {
    enable_logging = true
  }
}

# The signing keys are Google's and come with the zone.
data "google_dns_keys" "this" {
  count = var.existing_zone == null ? 1 : 0

  project      = var.project_id
  managed_zone = google_dns_managed_zone.this[0].id
}

locals {
  zone = var.existing_zone == null ? google_dns_managed_zone.this[0].name : var.existing_zone
}
