resource "google_artifact_registry_repository" "this" {
  #checkov:skip=CKV_GCP_84:Images hold no data of users; Google encrypts them at rest with its own key.
  project       = var.project_id
  location      = var.location
  repository_id = var.name
  description   = "Images of Roster."
  format        = "DOCKER"
  labels        = var.labels

  docker_config {
    # A tag that was pushed cannot be moved to another digest.
    immutable_tags = true
  }

  cleanup_policy_dry_run = false

  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "${var.keep_days * 86400}s"
    }
  }

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
}
