resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  project   = var.project_id
  secret_id = each.key
  labels    = var.labels

  annotations = {
    kind   = each.value.kind
    length = tostring(each.value.length)
    bits   = "4096"
    curve  = "P256"
  }

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_version" "generated" {
  for_each = { for name, secret in var.secrets : name => secret if secret.kind != "given" }

  secret = google_secret_manager_secret.this[each.key].id

  # Write-only: sent to Secret Manager while applying; in no plan and no state.
  secret_data_wo         = var.values[each.key]
  secret_data_wo_version = each.value.version

  # Old versions stay readable until somebody disables them, so their users do not break at once.
  deletion_policy = "ABANDON"
}
