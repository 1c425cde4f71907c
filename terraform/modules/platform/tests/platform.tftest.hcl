mock_provider "google" {}
mock_provider "helm" {}
mock_provider "kubernetes" {}

variables {
  project = { id = "roster-test", number = "123456789012" }
  hosts = {
    service    = "service.example.com"
    sonarqube  = "sonarqube.example.com"
    concourse  = "concourse.example.com"
    prometheus = "prometheus.example.com"
  }
  cluster_mode = "standard"
  gateway = {
    address_name    = "roster-gateway"
    certificate_map = "roster"
    ssl_policy      = "roster-gateway"
    security_policy = "roster-gateway"
  }
  admins           = ["group:admins@example.com"]
  delivery_account = "roster-delivery@roster-test.iam.gserviceaccount.com"
  database = {
    private_address = "10.40.0.3"
    port            = 5432
    connection_name = "roster-test:europe-west1:roster"
    service_user    = "roster-service@roster-test.iam"
  }
  tool_databases = {
    concourse = { private_address = "10.40.0.4", port = 5432 }
    sonarqube = { private_address = "10.40.0.5", port = 5432 }
  }
  concourse = {
    restricted_networks = { default = ["10.40.0.0/20"], pull-request = ["10.0.0.0/8"] }
  }
  secrets = {
    concourse-database-password       = "concourse-database-password"
    concourse-admin-password          = "concourse-admin-password"
    concourse-encryption-key          = "concourse-encryption-key"
    concourse-session-key             = "concourse-session-key"
    concourse-host-key                = "concourse-host-key"
    concourse-worker-key              = "concourse-worker-key"
    concourse-pull-request-worker-key = "concourse-pull-request-worker-key"
    sonarqube-database-password       = "sonarqube-database-password"
    sonarqube-monitoring-passcode     = "sonarqube-monitoring-passcode"
    roster-owner-password             = "roster-owner-password"
    roster-token-key                  = "roster-token-key"
  }
  external_secrets_account = "external-secrets@roster-test.iam.gserviceaccount.com"
  prometheus               = { rules_directory = "tests/rules" }
}



run "every_chart_is_pinned" {
  command = plan

  assert {
    condition = alltrue([for release in [helm_release.external_secrets, helm_release.concourse, helm_release.pull_request_workers[0], helm_release.sonarqube, helm_release.prometheus[0]] :
    can(regex("^v?[0-9]+\\.[0-9]+\\.[0-9]+$", release.version))])
    error_message = "a chart's version is not exact"
  }
  assert {
    condition     = alltrue([for release in [helm_release.external_secrets, helm_release.concourse, helm_release.pull_request_workers[0], helm_release.sonarqube, helm_release.prometheus[0], helm_release.secrets, helm_release.routes] : release.atomic])
    error_message = "a failed installation would be left half done"
  }
}

run "nothing_is_made_in_googles_namespaces" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.prometheus[0].values[0]).kubelet.namespace == "monitoring" && yamldecode(helm_release.prometheus[0].values[0]).prometheusOperator.kubeletService.namespace == "monitoring"
    error_message = "Autopilot refuses a Service in kube-system, and pods would be without memory and CPU metrics"
  }
}

run "the_service_finds_its_secrets" {
  command = plan

  assert {
    condition     = output.service.database_secret == "roster-database" && output.service.migration_secret == "roster-database-owner" && output.service.token_secret == "roster-token-keys"
    error_message = "the service's chart would ask for Secrets of other names"
  }
  assert {
    condition = alltrue([
      for made in ["kind: Secret\nmetadata:\n  name: ${output.service.database_secret}\n", "  target:\n    name: ${output.service.migration_secret}\n", "  target:\n    name: ${output.service.token_secret}\n"] :
      strcontains(file("charts/secrets/templates/roster.yaml"), made)
    ])
    error_message = "a Secret that the service's chart asks for is not made"
  }
}

run "concourse_uses_our_database_and_keys" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.concourse.values[0]).secrets.create == false && yamldecode(helm_release.concourse.values[0]).postgresql.enabled == false
    error_message = "the chart's published example keys, or a database of its own, would be installed"
  }
  assert {
    condition     = yamldecode(helm_release.concourse.values[1]).concourse.web.externalUrl == "https://concourse.example.com" && yamldecode(helm_release.concourse.values[1]).concourse.web.postgres.host == "10.40.0.4"
    error_message = "Concourse does not know its address or its database"
  }
  assert {
    condition     = yamldecode(helm_release.concourse.values[0]).concourse.web.postgres.sslmode == "require"
    error_message = "Concourse would connect to its database without encryption"
  }
}

run "sonarqube_uses_our_database" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.sonarqube.values[1]).jdbcOverwrite.jdbcUrl == "jdbc:postgresql://10.40.0.5:5432/sonarqube?sslmode=require"
    error_message = "SonarQube does not use the database, or connects to it without encryption"
  }
  assert {
    condition     = yamldecode(helm_release.sonarqube.values[0]).initSysctl.enabled == false && yamldecode(helm_release.sonarqube.values[0]).community.enabled
    error_message = "SonarQube would need a privileged pod, or a licence"
  }
}

run "no_values_hold_a_secret" {
  command = plan

  assert {
    condition = alltrue([for release in [helm_release.external_secrets, helm_release.concourse, helm_release.pull_request_workers[0], helm_release.sonarqube, helm_release.prometheus[0], helm_release.secrets, helm_release.routes] :
      !can(regex("(?i)(password|passcode|token)\"?: *\"?[A-Za-z_-]*[0-9][A-Za-z0-9+/_-]{7,}", join("\n", release.values))) && !can(regex("PRIVATE KEY", join("\n", release.values)))
    ])
    error_message = "a value looks like a secret"
  }
  assert {
    condition     = alltrue([for release in [helm_release.concourse, helm_release.sonarqube] : release.set_sensitive == null])
    error_message = "a secret is handed to a chart, and so into the state"
  }
}

run "rules_come_from_their_directory" {
  command = plan

  assert {
    condition     = keys(yamldecode(helm_release.prometheus[0].values[1]).additionalPrometheusRulesMap)[0] == "example"
    error_message = "Prometheus does not get the rules"
  }
}

run "managed_prometheus_gets_the_same_rules" {
  command = plan
  variables {
    prometheus = { mode = "managed", rules_directory = "tests/rules" }
  }

  assert {
    condition     = length(helm_release.prometheus) == 0 && keys(yamldecode(helm_release.google_rules[0].values[0]).rules)[0] == "example"
    error_message = "Google's Prometheus does not get the rules, or there are two"
  }
  assert {
    condition     = google_project_iam_member.frontend[0].role == "roles/monitoring.viewer"
    error_message = "the frontend may do more than read metrics"
  }
}

run "workers_are_machines_on_autopilot" {
  command = plan
  variables {
    cluster_mode = "autopilot"
    concourse    = { workers = 0, pull_request_workers = 0, worker_address = "10.10.0.5", worker_source_cidr = "10.10.0.0/22" }
  }

  assert {
    condition     = yamldecode(helm_release.concourse.values[1]).worker.enabled == false
    error_message = "Autopilot would refuse the privileged workers"
  }
  assert {
    condition     = yamldecode(helm_release.concourse.values[1]).web.service.workerGateway.annotations["networking.gke.io/load-balancer-type"] == "Internal" && yamldecode(helm_release.concourse.values[1]).web.service.workerGateway.loadBalancerSourceRanges == ["10.10.0.0/22"]
    error_message = "workers register over the internet"
  }
  assert {
    condition     = kubernetes_namespace_v1.this["concourse"].metadata[0].labels["pod-security.kubernetes.io/enforce"] == "baseline"
    error_message = "privileged pods are admitted where none are needed"
  }
}

run "requests_are_counted" {
  command = plan

  assert {
    condition     = output.requests.cpu_millicores == 2950 && output.requests.memory_mib == 8384 && output.requests.disk_gib == 160
    error_message = "the sum of the requests, and with it the price, is not that of the values files"
  }
}

run "tasks_on_pods_do_not_reach_the_metadata_server" {
  command = plan

  assert {
    condition = [for release in [helm_release.concourse, helm_release.pull_request_workers[0]] : yamldecode(release.values[1]).worker.env] == [
      [{ name = "CONCOURSE_CONTAINERD_RESTRICTED_NETWORK", value = "169.254.0.0/16,10.40.0.0/20" }],
      [{ name = "CONCOURSE_CONTAINERD_RESTRICTED_NETWORK", value = "169.254.0.0/16,10.0.0.0/8" }],
    ]
    error_message = "a task reaches the metadata server, or a network that its pool is kept from"
  }
  assert {
    condition     = alltrue([for release in [helm_release.concourse, helm_release.pull_request_workers[0]] : yamldecode(release.values[0]).concourse.worker.containerd.dnsProxyEnable])
    error_message = "tasks cannot resolve names where the metadata server is the resolver"
  }
}

run "pull_requests_have_workers_of_their_own" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.pull_request_workers[0].values[0]).concourse.worker.tag == "pull-request" && !can(yamldecode(helm_release.concourse.values[0]).concourse.worker.tag)
    error_message = "pull requests and production are built by the same workers"
  }
  assert {
    condition     = yamldecode(helm_release.pull_request_workers[0].values[0]).web.enabled == false && helm_release.pull_request_workers[0].name == "pull-request"
    error_message = "there would be a second Concourse, or the workers would find no Secret"
  }
  assert {
    condition = alltrue([for made in ["  target:\n    name: pull-request-worker\n", "- {secretKey: worker-key, remoteRef: {key: {{ index .Values.secrets \"concourse-pull-request-worker-key\" }}, property: private}}"] :
      strcontains(file("${helm_release.secrets.chart}/templates/concourse.yaml"), made)
    ])
    error_message = "the workers for pull requests have no key, or production's"
  }
  assert {
    condition     = strcontains(file("${helm_release.secrets.chart}/templates/concourse.yaml"), "{{ `{{ .pullRequestWorkerKeyPublic }}` }}\"\n")
    error_message = "Concourse refuses the workers for pull requests"
  }
}

run "refuses_one_server_for_two_trusts" {
  command = plan
  variables {
    tool_databases = {
      concourse = { private_address = "10.40.0.4", port = 5432 }
      sonarqube = { private_address = "10.40.0.4", port = 5432 }
    }
  }
  expect_failures = [var.tool_databases]
}

run "refuses_pods_as_workers_on_autopilot" {
  command = plan
  variables {
    cluster_mode = "autopilot"
  }
  expect_failures = [var.concourse]
}

run "refuses_no_workers_at_all" {
  command = plan
  variables {
    concourse = { workers = 0, pull_request_workers = 0 }
  }
  expect_failures = [var.concourse]
}

run "refuses_to_watch_without_rules" {
  command = plan
  variables {
    prometheus = { rules_directory = "tests/no-rules" }
  }
  expect_failures = [var.prometheus]
}

run "refuses_a_missing_secret" {
  command = plan
  variables {
    secrets = {}
  }
  expect_failures = [var.secrets]
}
