output "zone" {
  description = "Name of the zone."
  value       = local.zone
}

output "name_servers" {
  description = "Name servers to enter at the domain's registrar; empty when the zone existed before."
  value       = var.existing_zone == null ? google_dns_managed_zone.this[0].name_servers : []
}
