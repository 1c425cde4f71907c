# What `cargo xtask deploy` reads, by `cargo xtask infra output`.
output "project" {
  description = "The project, as given: `id` and `number`."
  value       = module.stack.project
}

output "cluster" {
  description = "The cluster: `name`, `location`, `endpoint`, `context`, `workload_pool`, `mode`."
  value       = module.stack.cluster
}

output "registry" {
  description = "Where images of this environment may be pushed."
  value       = module.stack.registry
}

output "database" {
  description = "The database: `connection_name`, `private_address`, `port`, `databases`, `iam_users`."
  value       = module.stack.database
}

output "hosts" {
  description = "The four host names, by service, sonarqube, concourse and prometheus."
  value       = module.stack.hosts
}

output "address" {
  description = "Address that the four hosts point at."
  value       = module.stack.address
}

output "name_servers" {
  description = "Name servers to enter at the domain's registrar; empty when the zone existed before."
  value       = module.stack.name_servers
}

output "ds_record" {
  description = "DS record to enter at the registrar with the name servers; null when the zone existed before."
  value       = module.stack.ds_record
}

output "service" {
  description = "What the service's chart is installed with: namespace, Google account, Gateway to join, Cloud Armor policy, Secrets."
  value       = module.stack.service
}

output "requests" {
  description = "CPU, memory and disks that the tools' pods ask for; the price is calculated from it."
  value       = module.stack.requests
}
