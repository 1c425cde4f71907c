resource "helm_release" "sonarqube" {
  name       = "sonarqube"
  namespace  = kubernetes_namespace_v1.this["sonarqube"].metadata[0].name
  repository = local.charts.sonarqube.repository
  chart      = local.charts.sonarqube.chart
  version    = local.charts.sonarqube.version

  values = [
    file("${path.module}/values/sonarqube.yaml"),
    yamlencode({
      jdbcOverwrite = {
        jdbcUrl = "jdbc:postgresql://${var.tool_databases.sonarqube.private_address}:${var.tool_databases.sonarqube.port}/sonarqube?sslmode=require"
      }
      sonarProperties = {
        "sonar.core.serverBaseURL" = "https://${var.hosts.sonarqube}"
      }
    }),
  ]

  atomic          = true
  cleanup_on_fail = true
  timeout         = 1200

  depends_on = [helm_release.secrets]
}
