mock_provider "google" {}

variables {
  project_id = "roster-test"
  location   = "europe-west1"
  readers    = { nodes = "serviceAccount:roster-nodes@roster-test.iam.gserviceaccount.com" }
  writers    = { pipeline = "serviceAccount:roster-delivery@roster-test.iam.gserviceaccount.com" }
}

run "a_tag_means_one_digest" {
  command = plan
  assert {
    condition     = google_artifact_registry_repository.this.docker_config[0].immutable_tags
    error_message = "a tag can be moved to another image"
  }
}

run "nodes_pull_and_the_pipeline_pushes" {
  command = apply
  assert {
    condition     = google_artifact_registry_repository_iam_member.readers["nodes"].role == "roles/artifactregistry.reader"
    error_message = "nodes may do more than pull"
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.writers["pipeline"].role == "roles/artifactregistry.writer" && length(google_artifact_registry_repository_iam_member.writers) == 1
    error_message = "the pipeline may do more than push, or somebody else may"
  }
}

run "cleans_up_and_keeps_enough_to_roll_back" {
  command = plan
  assert {
    condition     = { for policy in google_artifact_registry_repository.this.cleanup_policies : policy.id => policy.action } == { delete-untagged = "DELETE", keep-recent = "KEEP" } && google_artifact_registry_repository.this.cleanup_policy_dry_run == false
    error_message = "old images pile up, or recent ones are deleted"
  }
}

run "says_where_to_push" {
  command = plan
  assert {
    condition     = output.repository == "europe-west1-docker.pkg.dev/roster-test/roster"
    error_message = "the repository's name is not one that docker takes"
  }
}

run "refuses_to_let_anybody_push" {
  command = plan
  variables {
    writers = { all = "allUsers" }
  }
  expect_failures = [var.writers]
}

run "refuses_to_forget_last_week" {
  command = plan
  variables {
    keep_days = 1
  }
  expect_failures = [var.keep_days]
}
