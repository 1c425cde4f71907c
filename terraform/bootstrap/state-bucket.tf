resource "google_storage_bucket" "state" {
  #checkov:skip=CKV_GCP_62:Who read or wrote the state is in Cloud Audit Logs (audit-log.tf), which a log bucket would repeat.
  project  = module.project_services.project_id
  name     = "${var.project.id}-terraform-state"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  encryption {
    default_kms_key_name = google_kms_crypto_key.state.id
  }

  # A corrupted state can be restored for 90 days and at least ten versions.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions         = 10
      days_since_noncurrent_time = 90
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 2592000
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_kms_crypto_key_iam_member.storage]
}

resource "google_storage_bucket_iam_member" "operators" {
  for_each = var.operators

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = each.value
}

# A deployment reads the environment's outputs: cluster, registry, database, hosts. The state holds no secret.
resource "google_storage_bucket_iam_member" "delivery" {
  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.delivery.member
}

resource "google_storage_bucket_iam_member" "infrastructure" {
  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = google_service_account.infrastructure.member
}
