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
            host = var.database.private_address
            port = var.database.port
          }
        }
      }
      worker = {
        enabled  = var.concourse.workers > 0
        replicas = var.concourse.workers
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
