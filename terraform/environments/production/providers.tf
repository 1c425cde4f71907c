provider "google" {
  project = var.project.id
  region  = var.region
  # APIs that count by the caller's project, such as budgets, count by this one.
  billing_project       = var.project.id
  user_project_override = true
}

# Cluster and credentials are looked up in every run; no kubeconfig is read, so no other cluster can be hit.
locals {
  kubernetes_login = {
    api_version = "client.authentication.k8s.io/v1"
    command     = "gke-gcloud-auth-plugin"
  }
}

provider "kubernetes" {
  host = module.stack.cluster.endpoint

  exec {
    api_version = local.kubernetes_login.api_version
    command     = local.kubernetes_login.command
  }
}

provider "helm" {
  kubernetes = {
    host = module.stack.cluster.endpoint
    exec = local.kubernetes_login
  }
}
