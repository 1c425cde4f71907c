output "gateway" {
  description = "The shared Gateway that the service's route joins: `name` and `namespace`, or null with Ingress."
  value = var.gateway == null ? null : {
    name      = "shared"
    namespace = helm_release.routes.namespace
  }
}

output "service" {
  description = "What the service's chart is installed with: `namespace`, and the names of the Secrets with its database URLs, the owner's (for migrations), and the keys of its tokens."
  value = {
    namespace        = kubernetes_namespace_v1.this["roster"].metadata[0].name
    database_secret  = "roster-database"
    migration_secret = "roster-database-owner"
    token_secret     = "roster-token-keys"
  }
  depends_on = [helm_release.secrets]
}

output "urls" {
  description = "Where the tools answer."
  value       = { for name, tool in local.tools : name => "https://${tool.host}" }
}

output "chart_versions" {
  description = "Pinned versions of the charts."
  value       = { for name, chart in local.charts : name => chart.version }
}

output "requests" {
  description = "CPU (cores) and memory (MiB) that the tools' pods ask for, which Autopilot bills, and disks (GiB): read from the values files."
  value       = local.requests
}
