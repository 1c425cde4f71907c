resource "google_kms_key_ring" "this" {
  project  = module.project_services.project_id
  location = var.region
  name     = "terraform"
}

resource "google_kms_crypto_key" "state" {
  key_ring = google_kms_key_ring.this.id
  name     = "terraform-state"
  purpose  = "ENCRYPT_DECRYPT"

  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"

  lifecycle {
    # Without it no environment's state can be read again.
    prevent_destroy = true
  }
}

# In a new project Google creates Cloud Storage's own account when it is first read; its name alone is not enough.
data "google_storage_project_service_account" "this" {
  project    = module.project_services.project_id
  depends_on = [module.project_services]
}

resource "google_kms_crypto_key_iam_member" "storage" {
  crypto_key_id = google_kms_crypto_key.state.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = data.google_storage_project_service_account.this.member
}
