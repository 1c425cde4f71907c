# Only with an Ingress: behind the Gateway, Certificate Manager issues the certificates.
resource "helm_release" "cert_manager" {
  count = var.ingress == null ? 0 : 1

  name       = "cert-manager"
  namespace  = kubernetes_namespace_v1.this["cert-manager"].metadata[0].name
  repository = local.charts.cert-manager.repository
  chart      = local.charts.cert-manager.chart
  version    = local.charts.cert-manager.version
  values     = [file("${path.module}/values/cert-manager.yaml")]

  atomic          = true
  cleanup_on_fail = true
  timeout         = 600
}
