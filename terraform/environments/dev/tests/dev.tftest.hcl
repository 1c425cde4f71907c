# Terraform 1.11 mocks no ephemeral resources, so Google's provider is not mocked here. Nothing is asked of Google: what is
# new is planned from the schema alone, and what would be read waits for what is not made yet.
provider "google" {
  project      = "roster-test"
  access_token = "none"
}

mock_provider "helm" {}
mock_provider "kubernetes" {}

# These two need no account, and generate nothing before the secrets exist.
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

# What the modules are tested for is not repeated: only what this environment has otherwise than the others.
run "is_the_cluster_that_it_should_be" {
  command = plan

  assert {
    condition     = output.cluster.context == "gke_roster-test_europe-west1-b_roster-dev" && output.cluster.mode == "standard"
    error_message = "deployments would look for another cluster"
  }
}

run "gives_all_that_a_deployment_reads" {
  command = plan

  assert {
    condition     = output.address == "203.0.113.10" && length(output.hosts) == 4 && output.registry != "" && output.database.port == 5432 && output.service.namespace == "roster"
    error_message = "an output of module.stack is not handed on"
  }
}

run "price_follows_the_requests" {
  command = plan

  assert {
    condition     = output.requests.cpu_millicores == 2950 && output.requests.memory_mib == 8384
    error_message = "what the tools ask for has changed: look at the price in terraform/README.md"
  }
}
