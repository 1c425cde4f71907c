variable "project" {
  description = "The empty project: its id and its number."
  type = object({
    id     = string
    number = string
  })

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project.id)) && can(regex("^[0-9]{6,}$", var.project.number))
    error_message = "project: id (\"my-roster-project\") and number (digits): `gcloud projects describe my-roster-project --format='value(projectId,projectNumber)'` prints both."
  }
}

variable "region" {
  description = "Region of the state bucket and its key."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: a region such as \"europe-west1\", not a zone."
  }
}

variable "operators" {
  description = "People who may read and write the Terraform state (`user:…` or `group:…`)."
  type        = set(string)

  validation {
    condition     = length(var.operators) > 0 && alltrue([for member in var.operators : can(regex("^(user|group):.+@.+", member))])
    error_message = "operators: at least one of user:ada@example.com or group:team@example.com; the state describes the whole system."
  }
}

variable "concourse" {
  description = "The Concourse whose pipelines act without a key file: its `url`, the `team` they belong to, and its public keys (`jwks_json`) while Google cannot fetch them from the url; null until there is a Concourse."
  type = object({
    url       = string
    team      = optional(string, "main")
    jwks_json = optional(string)
  })
  default = null

  validation {
    condition     = var.concourse == null ? true : can(regex("^https://[^/]+$", var.concourse.url))
    error_message = "concourse.url: https, without a path and final slash: \"https://concourse.example.com\"; tokens name it exactly so."
  }
}
