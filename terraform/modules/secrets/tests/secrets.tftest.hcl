mock_provider "google" {}

variables {
  project_id = "roster-test"
  region     = "europe-west1"
  secrets = {
    concourse-database-password = {
      kind    = "password"
      readers = { external-secrets = "serviceAccount:external-secrets@roster-test.iam.gserviceaccount.com" }
    }
    concourse-worker-key = { kind = "key_pair", version = 2 }
    roster-token-key     = { kind = "signing_key" }
    slack-webhook        = { kind = "given" }
  }
  values = {
    concourse-database-password = "never-in-a-plan"
    concourse-worker-key        = "never-in-a-plan"
    roster-token-key            = "never-in-a-plan"
  }
}

run "values_are_write_only" {
  command = plan

  assert {
    condition     = alltrue([for version in google_secret_manager_secret_version.generated : version.secret_data == null])
    error_message = "a secret's value is in the plan"
  }
  assert {
    condition     = google_secret_manager_secret_version.generated["concourse-worker-key"].secret_data_wo_version == 2
    error_message = "a new version would generate nothing"
  }
}

run "a_person_gives_what_is_not_generated" {
  command = plan

  assert {
    condition     = toset(keys(google_secret_manager_secret_version.generated)) == toset(["concourse-database-password", "concourse-worker-key", "roster-token-key"])
    error_message = "a value that a person gives is generated"
  }
}

run "what_is_asked_for_is_generated" {
  command = plan

  assert {
    condition     = toset(keys(output.to_generate.passwords)) == toset(["concourse-database-password"]) && toset(keys(output.to_generate.key_pairs)) == toset(["concourse-worker-key"]) && toset(keys(output.to_generate.signing_keys)) == toset(["roster-token-key"])
    error_message = "something is generated that is not asked for, or the other way round"
  }
}

# What only Google knows, once the secret is there: an output without it would not wait for the secret.
run "generation_waits_for_the_secrets" {
  command = plan

  override_resource {
    target          = google_secret_manager_secret.this
    override_during = plan
    values = {
      effective_annotations = { length = "77", bits = "77", curve = "read back" }
    }
  }

  assert {
    condition     = output.to_generate.passwords["concourse-database-password"] == 77 && output.to_generate.key_pairs["concourse-worker-key"] == 77 && output.to_generate.signing_keys["roster-token-key"] == "read back"
    error_message = "a value is generated before there is a place for it"
  }
}

run "secrets_stay_in_their_region" {
  command = plan

  assert {
    condition = alltrue([for secret in google_secret_manager_secret.this :
    [for replica in secret.replication[0].user_managed[0].replicas : replica.location] == ["europe-west1"]])
    error_message = "a secret is copied to another region"
  }
}

run "a_reader_reads_one_secret" {
  command = plan

  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.readers)) == toset(["concourse-database-password/external-secrets"])
    error_message = "a reader got more or less than its secret"
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.readers["concourse-database-password/external-secrets"].role == "roles/secretmanager.secretAccessor"
    error_message = "a reader may do more than read"
  }
}

run "refuses_an_unknown_kind" {
  command = plan
  variables {
    secrets = { key = { kind = "certificate" } }
  }
  expect_failures = [var.secrets]
}

run "refuses_a_short_password" {
  command = plan
  variables {
    secrets = { key = { kind = "password", length = 8 } }
  }
  expect_failures = [var.secrets]
}

run "refuses_to_publish_a_secret" {
  command = plan
  variables {
    secrets = { key = { kind = "given", readers = { all = "allUsers" } } }
  }
  expect_failures = [var.secrets]
}
