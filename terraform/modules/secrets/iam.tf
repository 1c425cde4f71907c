# Each reader may read this one secret, not every secret of the project.
resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = merge([for name, secret in var.secrets : {
    for reader, member in secret.readers : "${name}/${reader}" => { secret = name, member = member }
  }]...)

  project   = var.project_id
  secret_id = google_secret_manager_secret.this[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value.member
}
