# Every chart with its exact version.
locals {
  charts = {
    external-secrets = {
      repository = "https://charts.external-secrets.io"
      chart      = "external-secrets"
      version    = "2.0.0"
    }
    concourse = {
      repository = "https://concourse-charts.storage.googleapis.com"
      chart      = "concourse"
      version    = "20.1.2"
    }
    sonarqube = {
      repository = "https://SonarSource.github.io/helm-chart-sonarqube"
      chart      = "sonarqube"
      version    = "2026.4.0"
    }
    kube-prometheus-stack = {
      repository = "https://prometheus-community.github.io/helm-charts"
      chart      = "kube-prometheus-stack"
      version    = "88.5.3"
    }
    cert-manager = {
      repository = "https://charts.jetstack.io"
      chart      = "cert-manager"
      version    = "v1.21.2"
    }
  }
}
