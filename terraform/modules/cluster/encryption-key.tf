# Encrypts Kubernetes Secrets in etcd above Google's own encryption at rest. Google keeps a key ring's name for ever, also
# of one that was destroyed: a cluster that is created again needs another.
resource "google_kms_key_ring" "this" {
  project  = var.project.id
  location = replace(var.location, "/-[a-f]$/", "")
  name     = coalesce(var.key_ring_name, var.name)
}

resource "google_kms_crypto_key" "etcd" {
  #checkov:skip=CKV_GCP_82:A key that cannot be destroyed leaves a project that cannot be emptied; destroyed versions stay recoverable for 30 days (destroy_scheduled_duration).
  key_ring = google_kms_key_ring.this.id
  name     = "${var.name}-etcd"
  purpose  = "ENCRYPT_DECRYPT"

  # 90 days; older versions still decrypt what they encrypted.
  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"
  labels                     = var.labels
}

resource "google_kms_crypto_key_iam_member" "etcd" {
  crypto_key_id = google_kms_crypto_key.etcd.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${var.project.number}@container-engine-robot.iam.gserviceaccount.com"
}
