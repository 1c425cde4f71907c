mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/roster-test/serviceAccounts/roster-infrastructure@roster-test.iam.gserviceaccount.com"
      email  = "roster-infrastructure@roster-test.iam.gserviceaccount.com"
      member = "serviceAccount:roster-infrastructure@roster-test.iam.gserviceaccount.com"
    }
  }
  mock_resource "google_kms_key_ring" {
    defaults = {
      id = "projects/roster-test/locations/europe-west1/keyRings/terraform"
    }
  }
  mock_resource "google_kms_crypto_key" {
    defaults = {
      id = "projects/roster-test/locations/europe-west1/keyRings/terraform/cryptoKeys/terraform-state"
    }
  }
}

override_data {
  target          = data.google_storage_project_service_account.this
  override_during = plan
  values = {
    member = "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_iam_workload_identity_pool.pipelines
  override_during = plan
  values = {
    name = "projects/123456789012/locations/global/workloadIdentityPools/pipelines"
  }
}

variables {
  project   = { id = "roster-test", number = "123456789012" }
  operators = ["group:operators@example.com"]
  concourse = { url = "https://concourse.example.com" }
}

run "state_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = google_storage_bucket.state.uniform_bucket_level_access && google_storage_bucket.state.public_access_prevention == "enforced"
    error_message = "an object of the state could be made public"
  }
  assert {
    condition     = google_storage_bucket.state.versioning[0].enabled && google_storage_bucket.state.soft_delete_policy[0].retention_duration_seconds == 2592000
    error_message = "a corrupted state could not be restored"
  }
  assert {
    condition     = google_storage_bucket.state.force_destroy == false
    error_message = "the bucket could be destroyed with the states in it"
  }
  # The name is a convention that `cargo xtask infra` counts on.
  assert {
    condition     = google_storage_bucket.state.name == "roster-test-terraform-state"
    error_message = "environments would look for their state in another bucket"
  }
  assert {
    condition     = google_kms_crypto_key.state.rotation_period == "7776000s"
    error_message = "the state's key does not rotate"
  }
}

run "who_reads_the_state_is_named_and_written_down" {
  command = plan

  assert {
    condition     = keys(google_storage_bucket_iam_member.operators)[0] == "group:operators@example.com" && google_storage_bucket_iam_member.operators["group:operators@example.com"].role == "roles/storage.objectUser"
    error_message = "somebody else reads the state, or may do more than that"
  }
  assert {
    condition     = google_storage_bucket_iam_member.delivery.role == "roles/storage.objectViewer"
    error_message = "the pipeline that delivers could change the state, or cannot read what it deploys to"
  }
  assert {
    condition     = contains(keys(google_project_iam_audit_config.this), "storage.googleapis.com")
    error_message = "reading the state leaves no trace"
  }
}

run "accounts_have_the_least_roles" {
  command = plan

  assert {
    condition     = length(setintersection(keys(google_project_iam_member.infrastructure), ["roles/owner", "roles/editor", "roles/viewer", "roles/iam.securityAdmin", "roles/resourcemanager.projectIamAdmin", "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountKeyAdmin"])) == 0
    error_message = "the pipeline's account has a role of the whole project"
  }
  assert {
    condition     = strcontains(google_project_iam_member.infrastructure_grants.condition[0].expression, "hasOnly(['roles/cloudsql.client'") && !strcontains(google_project_iam_member.infrastructure_grants.condition[0].expression, "owner")
    error_message = "the pipeline's account could make itself owner"
  }
}

run "images_are_signed_without_a_key" {
  command = plan

  assert {
    condition     = google_service_account_iam_member.delivery_signs.role == "roles/iam.serviceAccountOpenIdTokenCreator"
    error_message = "the delivery account cannot sign, or may act as itself in other ways"
  }
}

run "no_account_is_granted_every_namespace" {
  command = plan

  assert {
    condition     = !can(regex("container\\.(developer|admin|clusterAdmin)", google_project_iam_member.infrastructure_grants.condition[0].expression))
    error_message = "the pipeline's account could let another read every namespace's Secrets"
  }
}

run "pipelines_need_no_key_file" {
  command = plan

  assert {
    condition     = google_iam_workload_identity_pool_provider.concourse[0].oidc[0].issuer_uri == "https://concourse.example.com"
    error_message = "another issuer's tokens are believed"
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.concourse[0].attribute_condition == "assertion.team == 'main' && assertion.pipeline in ['infrastructure', 'master']"
    error_message = "any team's pipelines are believed"
  }
  assert {
    condition     = google_service_account_iam_member.infrastructure_pipeline[0].member == "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/pipelines/attribute.pipeline/infrastructure"
    error_message = "the wrong pipeline may change the infrastructure"
  }
}

run "works_before_there_is_a_concourse" {
  command = plan
  variables {
    concourse = null
  }
  assert {
    condition     = length(google_iam_workload_identity_pool.pipelines) == 0
    error_message = "a pool without an issuer"
  }
}

run "refuses_a_concourse_in_the_clear" {
  command = plan
  variables {
    concourse = { url = "http://concourse.example.com" }
  }
  expect_failures = [var.concourse]
}

run "refuses_everybody_as_operator" {
  command = plan
  variables {
    operators = ["allAuthenticatedUsers"]
  }
  expect_failures = [var.operators]
}

run "refuses_a_project_without_its_number" {
  command = plan
  variables {
    project = { id = "roster-test", number = "" }
  }
  expect_failures = [var.project]
}

run "refuses_a_zone" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}
