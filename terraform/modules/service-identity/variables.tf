variable "project_id" {
  description = "Project of the account."
  type        = string
}

variable "name" {
  description = "Name of the account, the part before the @."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "name: 6 to 30 lower-case letters, digits and dashes, beginning with a letter: \"roster\"."
  }
}

variable "description" {
  description = "What the account is for."
  type        = string
}

variable "roles" {
  description = "Project roles of the account."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for role in var.roles : !contains(["roles/owner", "roles/editor", "roles/viewer"], role)])
    error_message = "roles: owner, editor and viewer reach everything in the project; name what is needed, such as \"roles/cloudsql.client\"."
  }

  validation {
    condition     = alltrue([for role in var.roles : can(regex("^(roles|projects/[^/]+/roles|organizations/[^/]+/roles)/", role))])
    error_message = "roles: a role is written in full, such as \"roles/cloudsql.client\"."
  }
}

variable "workload" {
  description = "Kubernetes service account that acts as this account, with the cluster's workload pool; null for none."
  type = object({
    pool            = string
    namespace       = string
    service_account = string
  })
  default = null

  validation {
    condition     = var.workload == null ? true : endswith(var.workload.pool, ".svc.id.goog")
    error_message = "workload.pool: \"<project>.svc.id.goog\", the cluster module's `cluster.workload_pool`."
  }
}
