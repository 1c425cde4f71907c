locals {
  # Metadata servers answer on link-local addresses. One variable with a comma between: the chart's own
  # `restrictedNetworks` writes the variable once for each network, and the last one would win.
  worker_environment = { for pool in ["default", "pull-request"] : pool => {
    name  = "CONCOURSE_CONTAINERD_RESTRICTED_NETWORK"
    value = join(",", concat(["169.254.0.0/16"], lookup(var.concourse.restricted_networks, pool, [])))
  } }
}

resource "helm_release" "concourse" {
  name       = "concourse"
  namespace  = kubernetes_namespace_v1.this["concourse"].metadata[0].name
  repository = local.charts.concourse.repository
  chart      = local.charts.concourse.chart
  version    = local.charts.concourse.version

  values = [
    file("${path.module}/values/concourse.yaml"),
    yamlencode({
      concourse = {
        web = {
          externalUrl = "https://${var.hosts.concourse}"
          postgres = {
            host = var.tool_databases.concourse.private_address
            port = var.tool_databases.concourse.port
          }
        }
      }
      worker = {
        enabled  = var.concourse.workers > 0
        replicas = var.concourse.workers
        env      = [local.worker_environment["default"]]
      }
      persistence = {
        worker = { size = "${var.concourse.worker_disk_gib}Gi" }
      }
      # Machines outside the cluster register here; the address is internal and only their range is let in.
      web = var.concourse.worker_address == null ? {} : {
        service = {
          workerGateway = {
            type                     = "LoadBalancer"
            loadBalancerIP           = var.concourse.worker_address
            loadBalancerSourceRanges = [var.concourse.worker_source_cidr]
            annotations              = { "networking.gke.io/load-balancer-type" = "Internal" }
          }
        }
      }
    }),
  ]

  atomic          = true
  cleanup_on_fail = true
  timeout         = 900

  depends_on = [helm_release.secrets]
}

# Workers that run the code of pull requests and nothing else: their tag is on those steps alone.
resource "helm_release" "pull_request_workers" {
  count = var.concourse.pull_request_workers > 0 ? 1 : 0

  name       = "pull-request"
  namespace  = kubernetes_namespace_v1.this["concourse"].metadata[0].name
  repository = local.charts.concourse.repository
  chart      = local.charts.concourse.chart
  version    = local.charts.concourse.version

  values = [
    file("${path.module}/values/pull-request-workers.yaml"),
    yamlencode({
      worker = {
        replicas = var.concourse.pull_request_workers
        env      = [local.worker_environment["pull-request"]]
      }
      persistence = {
        worker = { size = "${var.concourse.worker_disk_gib}Gi" }
      }
    }),
  ]

  atomic          = true
  cleanup_on_fail = true
  timeout         = 900

  depends_on = [helm_release.concourse]
}
