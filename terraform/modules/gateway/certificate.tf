locals {
  # A certificate's hosts cannot be changed, and its successor is created before it is deleted: names contain a hash of the
  # hosts, so that the two do not collide.
  certificate_name    = "${var.name}-${substr(sha256(join(",", sort(values(var.hosts)))), 0, 8)}"
  authorization_names = { for key, host in var.hosts : key => "${var.name}-${key}-${substr(sha256(host), 0, 8)}" }
}

# Proven by a DNS record, so that the certificate is ready before the first request, and renewed without one.
resource "google_certificate_manager_dns_authorization" "this" {
  for_each = var.hosts

  project = var.project_id
  name    = local.authorization_names[each.key]
  domain  = each.value
  labels  = var.labels
}

resource "google_certificate_manager_certificate" "this" {
  project     = var.project_id
  name        = local.certificate_name
  description = "All hosts of ${var.name}."
  labels      = var.labels

  managed {
    domains            = sort(values(var.hosts))
    dns_authorizations = [for authorization in google_certificate_manager_dns_authorization.this : authorization.id]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_certificate_manager_certificate_map" "this" {
  project = var.project_id
  name    = var.name
  labels  = var.labels
}

resource "google_certificate_manager_certificate_map_entry" "this" {
  for_each = var.hosts

  project      = var.project_id
  name         = "${var.name}-${each.key}"
  map          = google_certificate_manager_certificate_map.this.name
  hostname     = each.value
  certificates = [google_certificate_manager_certificate.this.id]
  labels       = var.labels
}
