# The delivery account sees the cluster by IAM (roles/container.clusterViewer) and acts in this one namespace. Google's role
# container.developer would read every namespace's Secrets and execute in its pods.
locals {
  deployer = yamldecode(file("${path.module}/deployer-rules.yaml"))
}

resource "kubernetes_role_v1" "deployer" {
  metadata {
    name      = "roster-deployer"
    namespace = kubernetes_namespace_v1.this["roster"].metadata[0].name
  }

  dynamic "rule" {
    for_each = concat(local.deployer.release, local.deployer.extensions)
    content {
      api_groups = rule.value.apiGroups
      resources  = rule.value.resources
      verbs      = rule.value.verbs
    }
  }
}

resource "kubernetes_role_binding_v1" "deployer" {
  metadata {
    name      = "roster-deployer"
    namespace = kubernetes_namespace_v1.this["roster"].metadata[0].name
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "Role"
    name      = kubernetes_role_v1.deployer.metadata[0].name
  }

  # GKE knows a service account by its e-mail address.
  subject {
    api_group = "rbac.authorization.k8s.io"
    kind      = "User"
    name      = var.delivery_account
  }
}
