# Repositories whose images may run in the cluster. Docker Hub's appear in both spellings, as charts use either.
locals {
  allowed_repositories = concat(
    # The service, and its sidecar to the database.
    ["${module.image_registry.repository}/**", "gcr.io/cloud-sql-connectors/**"],
    # The tools' charts (modules/platform/charts.tf).
    [
      "concourse/**", "docker.io/concourse/**",
      "sonarqube*", "docker.io/library/sonarqube*",
      "grafana/**", "docker.io/grafana/**",
      "ghcr.io/external-secrets/**",
      "ghcr.io/jkroepke/**",
      "gke.gcr.io/**",
      "quay.io/jetstack/**",
      "quay.io/kiwigrid/**",
      "quay.io/prometheus/**",
      "quay.io/prometheus-operator/**",
      "registry.k8s.io/**",
    ],
    var.image_policy.repositories,
  )
}
