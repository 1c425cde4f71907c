variable "project_id" {
  description = "Project of the instance."
  type        = string
}

variable "region" {
  description = "Region of the instance."
  type        = string
}

variable "name" {
  description = "Name of the instance. Google keeps a deleted instance's name for a week: choose another to create it again."
  type        = string
  default     = "roster"
}

variable "network_id" {
  description = "Network that the instance is reached from, with private service access in place: the network module's `network.id`."
  type        = string
}

variable "instance" {
  description = "Size and software: `version` of PostgreSQL, machine `tier`, `disk_gib` to begin with and `disk_limit_gib` to grow to, `highly_available` with a standby in another zone."
  type = object({
    version          = optional(string, "POSTGRES_18")
    tier             = optional(string, "db-custom-2-7680")
    disk_gib         = optional(number, 20)
    disk_limit_gib   = optional(number, 200)
    highly_available = optional(bool, true)
    max_connections  = optional(number, 200)
  })
  default = {}

  validation {
    condition     = can(regex("^POSTGRES_(1[5-9]|[2-9][0-9])$", var.instance.version))
    error_message = "instance.version: PostgreSQL 15 or newer, written \"POSTGRES_18\"."
  }

  validation {
    condition     = can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+|perf-optimized-N-[0-9]+)$", var.instance.tier))
    error_message = "instance.tier: \"db-custom-<vCPUs>-<MiB>\", such as \"db-custom-2-7680\", or db-g1-small for a small dev."
  }

  validation {
    condition     = !var.instance.highly_available || !can(regex("micro|small", var.instance.tier))
    error_message = "instance: a shared-core tier has no supported standby; set highly_available = false or take tier = \"db-custom-2-7680\"."
  }

  validation {
    condition     = var.instance.disk_gib >= 10 && var.instance.disk_limit_gib >= var.instance.disk_gib
    error_message = "instance: disk_gib is at least 10, and disk_limit_gib not below it."
  }
}

variable "backups" {
  description = "Daily backups: `start_time` (UTC), how many are `retained`, and for how many days any moment can be restored (`log_days`)."
  type = object({
    start_time = optional(string, "02:00")
    retained   = optional(number, 14)
    log_days   = optional(number, 7)
  })
  default = {}

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.backups.start_time))
    error_message = "backups.start_time: hours and minutes in UTC, such as \"02:00\"."
  }

  validation {
    condition     = var.backups.log_days >= 1 && var.backups.log_days <= 7 && var.backups.retained >= var.backups.log_days
    error_message = "backups: log_days between 1 and 7, and retained not below it; a restore to a moment begins at a backup."
  }
}

variable "databases" {
  description = "Databases in the instance."
  type        = set(string)
  default     = ["roster"]
}

variable "iam_users" {
  description = "Users that log in with IAM, no password anywhere: service account e-mail, and the PostgreSQL roles it is given. The keys are names of your choice."
  type = map(object({
    service_account = string
    database_roles  = optional(list(string), [])
  }))
  default = {}

  validation {
    condition     = alltrue([for user in values(var.iam_users) : endswith(user.service_account, ".iam.gserviceaccount.com")])
    error_message = "iam_users: service_account is an e-mail address, such as \"roster@my-project.iam.gserviceaccount.com\"."
  }
}

variable "password_users" {
  description = "Users for software that cannot use IAM. A higher `version` sets a new password."
  type = map(object({
    version = optional(number, 1)
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.password_users) : can(regex("^[a-z_][a-z0-9_]{0,62}$", name))])
    error_message = "password_users: a PostgreSQL name in lower case, such as \"concourse\"."
  }
}

variable "passwords" {
  description = "Password of each of `password_users`; ephemeral, so that Terraform writes it neither to a plan nor to the state."
  type        = map(string)
  default     = {}
  ephemeral   = true
}

variable "read_replica" {
  description = "A replica for reads, with its own tier; null for none."
  type = object({
    tier = optional(string, "db-custom-2-7680")
  })
  default = null
}

variable "deletion_protection" {
  description = "Refuses to destroy the instance, in Terraform and in Google's own API, until it is set to false and applied."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of the instance."
  type        = map(string)
  default     = {}
}
