# Terraform 1.11 mocks no ephemeral resources, so Google's provider is not mocked here. Nothing is asked of Google: what is
# new is planned from the schema alone, and what would be read waits for what is not made yet.
provider "google" {
  project      = "roster-test"
  access_token = "none"
}

mock_provider "helm" {}
mock_provider "kubernetes" {}
provider "random" {}
provider "tls" {}

override_resource {
  target          = module.gateway.google_compute_global_address.this
  override_during = plan
  values = {
    address = "203.0.113.10"
  }
}

override_resource {
  target          = random_id.generation
  override_during = plan
  values = {
    hex = "a1b2c3"
  }
}

variables {
  environment = "test"
  project = {
    id     = "roster-test"
    number = "123456789012"
  }
  region              = "europe-west1"
  domain              = { name = "example.com" }
  admins              = ["group:admins@example.com"]
  notification_emails = ["ops@example.com"]
  delivery_account    = "roster-delivery@roster-test.iam.gserviceaccount.com"
  rules_directory     = "../platform/tests/rules"
}

run "defaults_are_the_safe_choice" {
  command = plan

  assert {
    condition     = output.cluster.mode == "autopilot"
    error_message = "the default is not Autopilot"
  }
  assert {
    condition     = module.build_workers[0].worker_address == "10.10.3.250"
    error_message = "builds have nowhere to run, or their address lies outside the nodes' range"
  }
}

run "four_records_get_the_gateways_address" {
  command = plan

  assert {
    condition     = output.address == "203.0.113.10" && output.hosts == { service = "service.example.com", sonarqube = "sonarqube.example.com", concourse = "concourse.example.com", prometheus = "prometheus.example.com" }
    error_message = "a host is missing, or points elsewhere"
  }
}

run "names_what_a_deployment_needs" {
  command = plan

  assert {
    condition     = output.cluster.context == "gke_roster-test_europe-west1_roster-test"
    error_message = "deployments would look for another cluster"
  }
  assert {
    condition     = output.registry == "europe-west1-docker.pkg.dev/roster-test/roster"
    error_message = "images would be pushed elsewhere"
  }
  assert {
    condition     = output.database.databases == tolist(["roster"]) && output.database.port == 5432
    error_message = "the service would not find its database"
  }
  assert {
    condition     = output.service.namespace == "roster" && output.service.gateway.name == "shared" && output.service.migration_secret == "roster-database-owner"
    error_message = "the chart would be installed with other names"
  }
}

run "can_be_created_again_after_a_destroy" {
  command = plan

  assert {
    condition     = module.cluster.key_ring_name == "roster-test-a1b2c3" && module.database.name == "roster-a1b2c3"
    error_message = "key ring and database come with the names of those that were destroyed, which Google still keeps"
  }
}

run "images_of_the_registry_and_the_charts_run" {
  command = plan
  variables {
    image_policy = { repositories = ["docker.io/roster/**"] }
  }

  assert {
    condition     = length(setsubtract(["europe-west1-docker.pkg.dev/roster-test/roster/**", "docker.io/roster/**", "docker.io/concourse/**"], module.cluster.image_policy.repositories)) == 0 && module.cluster.image_policy.enforced
    error_message = "the service or its tools would be refused, or anything may run"
  }
}

run "one_database_server_for_each_trust" {
  command = plan

  assert {
    condition     = module.database.database.databases == tolist(["roster"]) && { for tool, database in module.tool_databases : tool => database.database.databases } == { concourse = tolist(["concourse"]), sonarqube = tolist(["sonarqube"]) }
    error_message = "two trusts share a server: a user of one could read the other's data"
  }
  assert {
    condition     = module.database.database.password_users == tolist(["roster_owner"]) && { for tool, database in module.tool_databases : tool => database.database.password_users } == { concourse = tolist(["concourse"]), sonarqube = tolist(["sonarqube"]) }
    error_message = "a user of one trust logs in to another's server"
  }
  assert {
    condition     = length(distinct(concat([module.database.name], values(module.tool_databases)[*].name))) == 3
    error_message = "two servers have one name"
  }
}

run "pull_requests_are_built_apart" {
  command = plan

  assert {
    condition     = keys(module.build_workers[0].service_accounts) == ["default", "pull-request"]
    error_message = "pull requests and production are built by the same machines"
  }
}

run "passwords_come_from_secret_manager" {
  command = plan

  assert {
    condition     = module.secrets.secrets["roster-owner-password"] == "roster-owner-password" && toset(keys(module.secrets.versions)) == toset(keys(module.secrets.secrets))
    error_message = "a user's password would not be the one that the pods read"
  }
}

run "standard_needs_no_machines_to_build_on" {
  command = plan
  variables {
    cluster = { mode = "standard" }
  }

  assert {
    condition     = length(module.build_workers) == 0
    error_message = "machines are paid for that nothing runs on"
  }
}

run "managed_prometheus_is_a_choice" {
  command = plan
  variables {
    prometheus_mode = "managed"
  }

  assert {
    condition     = output.requests.cpu_millicores == 900
    error_message = "a Prometheus of our own still asks for CPU"
  }
}

run "refuses_a_missing_domain" {
  command = plan
  variables {
    domain = { name = "" }
  }
  expect_failures = [var.domain]
}

run "refuses_a_url_for_a_domain" {
  command = plan
  variables {
    domain = { name = "https://example.com" }
  }
  expect_failures = [var.domain]
}

run "refuses_a_project_name_for_an_id" {
  command = plan
  variables {
    project = { id = "My Project", number = "123456789012" }
  }
  expect_failures = [var.project]
}

run "refuses_a_project_id_for_a_number" {
  command = plan
  variables {
    project = { id = "roster-test", number = "roster-test" }
  }
  expect_failures = [var.project]
}

run "refuses_a_zone_for_a_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "refuses_a_person_to_deliver" {
  command = plan
  variables {
    delivery_account = "ada@example.com"
  }
  expect_failures = [var.delivery_account]
}

run "refuses_an_environment_nobody_can_type" {
  command = plan
  variables {
    environment = "Production!"
  }
  expect_failures = [var.environment]
}
