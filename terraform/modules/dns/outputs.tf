output "zone" {
  description = "Name of the zone."
  value       = local.zone
}

output "name_servers" {
  description = "Name servers to enter at the domain's registrar; empty when the zone existed before."
  value       = var.existing_zone == null ? google_dns_managed_zone.this[0].name_servers : []
}

output "ds_record" {
  description = "DS record to enter at the registrar beside the name servers; without it resolvers do not validate the zone. Null when the zone existed before."
  value       = one([for keys in data.google_dns_keys.this : try(keys.key_signing_keys[0].ds_record, null)])
}
