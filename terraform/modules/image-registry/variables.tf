variable "project_id" {
  description = "Project of the registry."
  type        = string
}

variable "location" {
  description = "Region of the registry; the cluster's, so that pulling costs nothing."
  type        = string
}

variable "name" {
  description = "Name of the repository."
  type        = string
  default     = "roster"
}

variable "readers" {
  description = "IAM members that pull, by a name of your choice: the cluster's nodes."
  type        = map(string)
  default     = {}
}

variable "writers" {
  description = "IAM members that push, by a name of your choice: the pipeline."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.writers) : !startswith(member, "all")])
    error_message = "writers: a named principal such as \"serviceAccount:…\"; with allUsers anybody could replace what runs."
  }
}

variable "keep_days" {
  description = "Untagged images are deleted after this many days."
  type        = number
  default     = 30

  validation {
    condition     = var.keep_days >= 7
    error_message = "keep_days: at least 7, so that last week's image is still there for a rollback."
  }
}

variable "labels" {
  description = "Labels of the repository."
  type        = map(string)
  default     = {}
}
