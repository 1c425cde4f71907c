locals {
  # The one source of the rules is prometheus/rules; nothing is copied.
  rules = { for file in fileset(var.prometheus.rules_directory, "*.yaml") :
    trimsuffix(file, ".yaml") => yamldecode(file("${var.prometheus.rules_directory}/${file}"))
  }
}

resource "helm_release" "prometheus" {
  count = var.prometheus.mode == "stack" ? 1 : 0

  name       = "prometheus"
  namespace  = kubernetes_namespace_v1.this["monitoring"].metadata[0].name
  repository = local.charts.kube-prometheus-stack.repository
  chart      = local.charts.kube-prometheus-stack.chart
  version    = local.charts.kube-prometheus-stack.version

  values = concat(
    [file("${path.module}/values/kube-prometheus-stack.yaml")],
    [yamlencode({
      # Autopilot does not let pods mount the host's files.
      nodeExporter                 = { enabled = var.cluster_mode == "standard" }
      additionalPrometheusRulesMap = local.rules
      prometheus = {
        prometheusSpec = {
          externalUrl = "https://${var.hosts.prometheus}"
          retention   = "${var.prometheus.retention_days}d"
          storageSpec = {
            volumeClaimTemplate = {
              spec = {
                accessModes = ["ReadWriteOnce"]
                resources   = { requests = { storage = "${var.prometheus.storage_gib}Gi" } }
              }
            }
          }
        }
      }
    })],
    var.alertmanager == null ? [] : [yamlencode({
      alertmanager = {
        config           = yamldecode(file(var.alertmanager.configuration_file))
        alertmanagerSpec = { secrets = ["alertmanager-slack"] }
      }
    })],
  )

  atomic          = true
  cleanup_on_fail = true
  timeout         = 900

  depends_on = [helm_release.secrets]
}

# Google's Prometheus takes the same rules as objects of its own.
resource "helm_release" "google_rules" {
  count = var.prometheus.mode == "managed" ? 1 : 0

  name      = "google-rules"
  namespace = kubernetes_namespace_v1.this["monitoring"].metadata[0].name
  chart     = "${path.module}/charts/google-rules"
  values    = [yamlencode({ rules = local.rules })]

  atomic  = true
  timeout = 300
}

# The frontend that answers PromQL from Google's store may read metrics, and nothing else.
resource "google_project_iam_member" "frontend" {
  count = var.prometheus.mode == "managed" ? 1 : 0

  project = var.project.id
  role    = "roles/monitoring.viewer"
  member  = "principal://iam.googleapis.com/projects/${var.project.number}/locations/global/workloadIdentityPools/${var.project.id}.svc.id.goog/subject/ns/monitoring/sa/frontend"
}
