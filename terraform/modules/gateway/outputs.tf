output "gateway" {
  description = "Names that the Gateway in the cluster refers to: `address_name`, `certificate_map`, `ssl_policy`, `security_policy`."
  value = {
    address_name    = google_compute_global_address.this.name
    certificate_map = google_certificate_manager_certificate_map.this.name
    ssl_policy      = google_compute_ssl_policy.this.name
    security_policy = google_compute_security_policy.this.name
  }
  depends_on = [google_certificate_manager_certificate_map_entry.this]
}

output "address" {
  description = "IPv4 address that the hosts point at."
  value       = google_compute_global_address.this.address
}

output "authorizations" {
  description = "DNS records by which Certificate Manager verifies the hosts, by the keys of `hosts`: `name`, `type`, `data`."
  value = { for key, authorization in google_certificate_manager_dns_authorization.this : key => {
    name = try(authorization.dns_resource_record[0].name, null)
    type = try(authorization.dns_resource_record[0].type, null)
    data = try(authorization.dns_resource_record[0].data, null)
  } }
}
