resource "google_dns_record_set" "hosts" {
  for_each = var.hosts

  project      = var.project_id
  managed_zone = local.zone
  name         = "${each.value}."
  type         = "A"
  ttl          = var.ttl_seconds
  rrdatas      = [var.address]
}

resource "google_dns_record_set" "authorizations" {
  for_each = var.authorizations

  project      = var.project_id
  managed_zone = local.zone
  name         = each.value.name
  type         = each.value.type
  ttl          = var.ttl_seconds
  rrdatas      = [each.value.data]
}

# CAA: the one authority that may issue certificates. In a new zone for the whole domain; in an existing zone for these
# hosts alone, since other names of that zone may use another authority.
resource "google_dns_record_set" "caa" {
  for_each = var.existing_zone == null ? { domain = var.domain } : var.hosts

  project      = var.project_id
  managed_zone = local.zone
  name         = "${each.value}."
  type         = "CAA"
  ttl          = 3600
  rrdatas = concat(
    [for authority in sort(tolist(var.certificate_authorities)) : "0 issue \"${authority}\""],
    ["0 issuewild \";\""],
  )
}
