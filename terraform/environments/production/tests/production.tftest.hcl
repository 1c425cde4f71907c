mock_provider "google" {}
mock_provider "helm" {}
mock_provider "kubernetes" {}

# Ephemeral resources cannot be mocked. These two need no account, and generate nothing before the secrets exist.
provider "random" {}
provider "tls" {}

# Known while planning, so that what points at it can be compared.
override_resource {
  target          = module.stack.module.gateway.google_compute_global_address.this
  override_during = plan
  values = {
    address = "203.0.113.10"
  }
}

variables {
  project = {
    id     = "roster-test"
    number = "123456789012"
  }
  domain              = { name = "example.com" }
  admins              = ["group:admins@example.com"]
  notification_emails = ["ops@example.com"]
  delivery_account    = "roster-delivery@roster-test.iam.gserviceaccount.com"
}

run "four_hosts_point_at_the_gateway" {
  command = plan

  assert {
    condition = output.hosts == {
      service    = "service.example.com"
      sonarqube  = "sonarqube.example.com"
      concourse  = "concourse.example.com"
      prometheus = "prometheus.example.com"
    }
    error_message = "a host is missing or has another name"
  }
  assert {
    condition     = output.address == "203.0.113.10"
    error_message = "the address is not the gateway's"
  }
}

run "names_what_a_deployment_needs" {
  command = plan

  assert {
    condition     = output.cluster.context == "gke_roster-test_europe-west1_roster-production" && output.cluster.mode == "autopilot"
    error_message = "deployments would look for another cluster"
  }
  assert {
    condition     = output.registry == "europe-west1-docker.pkg.dev/roster-test/roster"
    error_message = "images would be pushed elsewhere"
  }
  assert {
    condition     = output.database.databases == tolist(["concourse", "roster", "sonarqube"]) && output.database.port == 5432
    error_message = "a database is missing"
  }
  assert {
    condition     = output.service.namespace == "roster" && output.service.gateway.name == "shared" && output.service.migration_secret == "roster-database-owner"
    error_message = "the chart would be installed with other names"
  }
}

run "price_follows_the_requests" {
  command = plan

  assert {
    condition     = output.requests.cpu_millicores == 1450 && output.requests.memory_mib == 5312
    error_message = "what the tools ask for has changed: look at the price in terraform/README.md"
  }
}
