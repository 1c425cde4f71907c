locals {
  # Name and port of each tool's Service, as its chart makes it.
  tools = {
    concourse = {
      namespace = kubernetes_namespace_v1.this["concourse"].metadata[0].name
      host      = var.hosts.concourse
      service   = "concourse-web"
      port      = 8080
      health    = "/api/v1/info"
    }
    sonarqube = {
      namespace = kubernetes_namespace_v1.this["sonarqube"].metadata[0].name
      host      = var.hosts.sonarqube
      service   = "sonarqube-sonarqube"
      port      = 9000
      health    = "/api/system/status"
    }
    prometheus = {
      namespace = kubernetes_namespace_v1.this["monitoring"].metadata[0].name
      host      = var.hosts.prometheus
      service   = var.prometheus.mode == "stack" ? "prometheus-kube-prometheus-prometheus" : "frontend"
      port      = 9090
      health    = "/-/ready"
    }
  }
}

# The shared Gateway, the tools' routes on it, and the Identity-Aware Proxy in front of them.
resource "helm_release" "routes" {
  name      = "routes"
  namespace = kubernetes_namespace_v1.this["gateway"].metadata[0].name
  chart     = "${path.module}/charts/routes"

  values = [yamlencode({
    gateway        = var.gateway
    ingress        = var.ingress
    identityProxy  = var.identity_proxy
    serviceHost    = var.hosts.service
    tools          = local.tools
    managed        = var.prometheus.mode == "managed"
    projectId      = var.project.id
    routeGroups    = sort(concat(["gateway", "roster"], [for tool in local.tools : tool.namespace]))
    discoveryPaths = ["/.well-known/openid-configuration", "/.well-known/jwks.json"]
  })]

  atomic  = true
  timeout = 900

  depends_on = [helm_release.concourse, helm_release.sonarqube, helm_release.prometheus, helm_release.cert_manager]
}

# A role on the project's back ends behind the proxy, which are the tools alone.
resource "google_iap_web_iam_member" "admins" {
  for_each = var.gateway == null ? [] : var.admins

  project = var.project.id
  role    = "roles/iap.httpsResourceAccessor"
  member  = each.value
}
