resource "google_logging_project_bucket_config" "default" {
  project        = var.project.id
  location       = "global"
  bucket_id      = "_Default"
  retention_days = var.log_retention_days
}
