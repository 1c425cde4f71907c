output "project" {
  description = "The project, as given: `id` and `number`."
  value       = var.project
}

output "cluster" {
  description = "The cluster: `name`, `location`, `endpoint`, `context`, `workload_pool`, `mode`."
  value       = module.cluster.cluster
}

output "registry" {
  description = "Where images of this environment may be pushed."
  value       = module.image_registry.repository
}

output "database" {
  description = "The database: `connection_name`, `private_address`, `port`, `databases`, `iam_users`."
  value       = module.database.database
}

output "hosts" {
  description = "The four host names, by service, sonarqube, concourse and prometheus."
  value       = local.hosts
}

output "address" {
  description = "Address that the four hosts point at."
  value       = module.gateway.address
}

output "name_servers" {
  description = "Name servers to enter at the domain's registrar; empty when the zone existed before."
  value       = module.dns.name_servers
}

output "ds_record" {
  description = "DS record to enter at the registrar with the name servers; null when the zone existed before."
  value       = module.dns.ds_record
}

output "service" {
  description = "What the service's chart is installed with: namespace, Google account, Gateway to join, Cloud Armor policy, Secrets."
  value = {
    namespace              = module.platform.service.namespace
    google_service_account = module.service_identity.email
    gateway                = module.platform.gateway
    security_policy        = module.gateway.gateway.security_policy
    database_secret        = module.platform.service.database_secret
    migration_secret       = module.platform.service.migration_secret
    token_secret           = module.platform.service.token_secret
  }
}

output "requests" {
  description = "CPU, memory and disks that the tools' pods ask for; the price is calculated from it."
  value       = module.platform.requests
}
