locals {
  # What the pods of a namespace may do (Pod Security Standards). Concourse's workers are privileged
  # where they are pods; node-exporter needs the host's files in Standard mode.
  namespaces = {
    roster           = "restricted"
    external-secrets = "restricted"
    gateway          = "restricted"
    sonarqube        = "baseline"
    concourse        = var.concourse.workers + var.concourse.pull_request_workers > 0 ? "privileged" : "baseline"
    monitoring       = var.cluster_mode == "standard" ? "privileged" : "baseline"
    cert-manager     = "restricted"
  }
}

resource "kubernetes_namespace_v1" "this" {
  for_each = { for name, level in local.namespaces : name => level if name != "cert-manager" || var.ingress != null }

  metadata {
    name = each.key
    labels = {
      "app.kubernetes.io/part-of"               = "roster"
      "pod-security.kubernetes.io/enforce"      = each.value
      "pod-security.kubernetes.io/warn"         = each.value
      "pod-security.kubernetes.io/warn-version" = "latest"
    }
  }
}
