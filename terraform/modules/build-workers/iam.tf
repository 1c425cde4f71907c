# One account for each pool, so that one pool cannot read the other's key.
resource "google_service_account" "this" {
  for_each = var.pools

  project      = var.project_id
  account_id   = "concourse-workers${local.suffixes[each.key]}"
  display_name = "Machines that Concourse builds on (${each.key})"
}

locals {
  # A worker reads the two keys that it registers with, and no other secret.
  readable = merge([for name, pool in var.pools : {
    "${name}/worker_key" = { pool = name, secret = pool.worker_key }
    "${name}/host_key"   = { pool = name, secret = var.host_key }
  }]...)
}

resource "google_secret_manager_secret_iam_member" "keys" {
  for_each = local.readable

  project   = var.project_id
  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this[each.value.pool].member
}
