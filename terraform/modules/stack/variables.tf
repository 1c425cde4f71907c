variable "environment" {
  description = "Name of the environment: a label of everything, and the folder under environments/."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.environment))
    error_message = "environment: 3 to 20 lower-case letters, digits and dashes, such as \"production\"."
  }
}

variable "project" {
  description = "The Google Cloud project: its id and its number."
  type = object({
    id     = string
    number = string
  })

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project.id))
    error_message = "project.id: \"${var.project.id}\" is not a project id; write the id (6 to 30 lower-case letters, digits and dashes), not the name: `gcloud projects list` shows both."
  }

  validation {
    condition     = can(regex("^[0-9]{6,}$", var.project.number))
    error_message = "project.number: digits only; `gcloud projects describe ${var.project.id} --format='value(projectNumber)'` prints it."
  }
}

variable "region" {
  description = "Region that everything is in."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: a region such as \"europe-west1\", not a zone."
  }
}

variable "domain" {
  description = "Domain that the four hosts are made under: service., sonarqube., concourse. and prometheus.<domain>. `existing_zone` names a Cloud DNS zone that serves it already."
  type = object({
    name          = string
    existing_zone = optional(string)
  })

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain.name))
    error_message = "domain.name: ${var.domain.name == "" ? "it is empty" : "\"${var.domain.name}\" is not a domain"}; write a domain that you own, in lower case, without scheme and final dot: \"example.com\" or \"roster.example.com\"."
  }
}

variable "admins" {
  description = "Who passes the Identity-Aware Proxy to Concourse, SonarQube and Prometheus: `user:…`, `group:…` or `domain:…`."
  type        = set(string)
}

variable "identity_proxy" {
  description = "OAuth client of your own for the Identity-Aware Proxy: its `client_id`, and the name of a secret in Secret Manager that holds its secret already. Null takes Google's client, which lets in people of the project's organization alone."
  type = object({
    client_id = string
    secret    = string
  })
  default = null
}

variable "notification_emails" {
  description = "E-mail addresses that are notified when a host is down or the budget is used up."
  type        = set(string)
}

variable "delivery_account" {
  description = "E-mail of the account that pushes images and deploys: bootstrap's output `delivery_account`."
  type        = string

  validation {
    condition     = endswith(var.delivery_account, ".iam.gserviceaccount.com")
    error_message = "delivery_account: a service account's address, as `cargo xtask infra output --env bootstrap` prints it."
  }
}

variable "ranges" {
  description = "IPv4 ranges; see the network module."
  type = object({
    nodes           = optional(string, "10.10.0.0/22")
    pods            = optional(string, "10.20.0.0/16")
    services        = optional(string, "10.30.0.0/20")
    services_access = optional(string, "10.40.0.0/20")
  })
  default = {}
}

variable "cluster" {
  description = "The cluster: `mode` autopilot or standard, `zone` for a zonal (standard) one, `node_pool` for standard; see the cluster module."
  type = object({
    mode            = optional(string, "autopilot")
    zone            = optional(string)
    release_channel = optional(string, "REGULAR")
    node_pool = optional(object({
      machine_type = optional(string, "e2-standard-4")
      disk_gib     = optional(number, 50)
      min_nodes    = optional(number, 1)
      max_nodes    = optional(number, 4)
      spot         = optional(bool, true)
    }), {})
  })
  default = {}
}

variable "database" {
  description = "Size of Roster's PostgreSQL; see the database module. `name` is what the instance's name begins with, `tools_tier` the machine of Concourse's and SonarQube's own servers."
  type = object({
    name             = optional(string, "roster")
    version          = optional(string, "POSTGRES_18")
    tier             = optional(string, "db-custom-2-7680")
    disk_gib         = optional(number, 20)
    highly_available = optional(bool, true)
    backups_retained = optional(number, 14)
    tools_tier       = optional(string, "db-g1-small")
    read_replica     = optional(object({ tier = optional(string, "db-custom-2-7680") }))
  })
  default = {}
}

variable "password_version" {
  description = "Raise it to generate new passwords and keys; restart their users afterwards."
  type        = number
  default     = 1
}

variable "prometheus_mode" {
  description = "`stack` for a Prometheus of our own, `managed` for Google's."
  type        = string
  default     = "stack"
}

variable "rules_directory" {
  description = "Folder of the Prometheus rules: prometheus/rules of this repository."
  type        = string
}

variable "build_workers" {
  description = "Workers that Concourse builds on: pods with a standard cluster, machines of their own with Autopilot. `pull_request_count` more run the code of pull requests and nothing else; with 0 pull requests wait until there is one."
  type = object({
    count              = optional(number, 1)
    pull_request_count = optional(number, 1)
    machine_type       = optional(string, "e2-standard-4")
    disk_gib           = optional(number, 50)
    spot               = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.build_workers.count >= 1 && var.build_workers.pull_request_count >= 0
    error_message = "build_workers: count is at least 1, and pull_request_count at least 0."
  }
}

variable "image_policy" {
  description = "Images that may run besides those of the environment's own registry and of the tools' charts: patterns of `repositories`. Not `enforced`, what would be refused is only logged."
  type = object({
    repositories = optional(list(string), [])
    enforced     = optional(bool, true)
  })
  default = {}
}

variable "budget" {
  description = "Billing account and monthly budget that triggers a warning; null for none."
  type = object({
    billing_account = string
    monthly_units   = number
  })
  default = null
}

variable "deletion_protection" {
  description = "Refuses to destroy cluster and database until set to false and applied."
  type        = bool
  default     = true
}
