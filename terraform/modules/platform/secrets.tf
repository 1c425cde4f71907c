resource "helm_release" "external_secrets" {
  name       = "external-secrets"
  namespace  = kubernetes_namespace_v1.this["external-secrets"].metadata[0].name
  repository = local.charts.external-secrets.repository
  chart      = local.charts.external-secrets.chart
  version    = local.charts.external-secrets.version

  values = [
    file("${path.module}/values/external-secrets.yaml"),
    yamlencode({
      serviceAccount = {
        annotations = { "iam.gke.io/gcp-service-account" = var.external_secrets_account }
      }
    }),
  ]

  atomic          = true
  cleanup_on_fail = true
  timeout         = 600
}

# A person has created this secret together with the OAuth client.
resource "google_secret_manager_secret_iam_member" "identity_proxy" {
  count = var.identity_proxy == null ? 0 : 1

  project   = var.project.id
  secret_id = var.identity_proxy.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.external_secrets_account}"
}

# Copies the pods' secrets from Secret Manager into Secrets; Terraform never reads a value.
resource "helm_release" "secrets" {
  name      = "secrets"
  namespace = kubernetes_namespace_v1.this["external-secrets"].metadata[0].name
  chart     = "${path.module}/charts/secrets"

  values = [yamlencode({
    projectId     = var.project.id
    secrets       = var.secrets
    database      = var.database
    identityProxy = var.identity_proxy
    slack         = var.alertmanager == null ? "" : var.alertmanager.slack_secret
    namespaces = {
      for name in ["roster", "concourse", "sonarqube", "monitoring"] : name => kubernetes_namespace_v1.this[name].metadata[0].name
    }
  })]

  atomic  = true
  timeout = 300

  depends_on = [helm_release.external_secrets, google_secret_manager_secret_iam_member.identity_proxy]
}
