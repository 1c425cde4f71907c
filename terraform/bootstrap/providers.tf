provider "google" {
  project = var.project.id
  region  = var.region
  # The APIs that are called are the new project's own, and so is their quota.
  billing_project       = var.project.id
  user_project_override = true
}
