output "project_id" {
  description = "The project, known only once its APIs are enabled: resources that take it from here are created after them."
  value       = var.project_id
  depends_on  = [google_project_service.this]
}

output "services" {
  description = "APIs that are on."
  value       = sort([for service in google_project_service.this : service.service])
}
