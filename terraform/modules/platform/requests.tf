locals {
  values = { for name in ["concourse", "pull-request-workers", "sonarqube", "kube-prometheus-stack", "external-secrets"] :
    name => yamldecode(file("${path.module}/values/${name}.yaml"))
  }

  # One entry for each container that asks for something: how many, and its requests.
  asking = concat(
    [
      { count = 1, requests = local.values.concourse.web.resources.requests },
      { count = var.concourse.workers, requests = local.values.concourse.worker.resources.requests },
      { count = var.concourse.pull_request_workers, requests = local.values.pull-request-workers.worker.resources.requests },
      { count = 1, requests = local.values.sonarqube.resources.requests },
      { count = 1, requests = local.values.external-secrets.resources.requests },
      { count = 1, requests = local.values.external-secrets.webhook.resources.requests },
      { count = 1, requests = local.values.external-secrets.certController.resources.requests },
    ],
    var.prometheus.mode == "stack" ? [
      { count = 1, requests = local.values.kube-prometheus-stack.prometheus.prometheusSpec.resources.requests },
      { count = 1, requests = local.values.kube-prometheus-stack.alertmanager.alertmanagerSpec.resources.requests },
      { count = 1, requests = local.values.kube-prometheus-stack.grafana.resources.requests },
      { count = 1, requests = local.values.kube-prometheus-stack.prometheusOperator.resources.requests },
      { count = 1, requests = local.values.kube-prometheus-stack.kube-state-metrics.resources.requests },
    ] : [],
  )

  requests = {
    cpu_millicores = sum([for one in local.asking : one.count * tonumber(trimsuffix(one.requests.cpu, "m"))])
    memory_mib     = sum([for one in local.asking : one.count * tonumber(trimsuffix(one.requests.memory, "Mi"))])
    disk_gib = (
      tonumber(trimsuffix(local.values.sonarqube.persistence.size, "Gi"))
      + (var.concourse.workers + var.concourse.pull_request_workers) * var.concourse.worker_disk_gib
      + (var.prometheus.mode == "stack" ? var.prometheus.storage_gib : 0)
    )
  }
}
