resource "google_sql_user" "iam" {
  for_each = var.iam_users

  project  = var.project_id
  instance = google_sql_database_instance.this.name
  # PostgreSQL names are limited to 63 bytes, so Cloud SQL leaves the suffix out.
  name           = trimsuffix(each.value.service_account, ".gserviceaccount.com")
  type           = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles = each.value.database_roles

  # What a user owns goes with the instance; PostgreSQL refuses to drop an owner by itself.
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "password" {
  for_each = var.password_users

  project  = var.project_id
  instance = google_sql_database_instance.this.name
  name     = each.key

  # Sent to Cloud SQL while applying; in no plan and no state.
  password_wo         = var.passwords[each.key]
  password_wo_version = each.value.version

  deletion_policy = "ABANDON"
}
