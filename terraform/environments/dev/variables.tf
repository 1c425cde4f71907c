variable "project" {
  description = "The Google Cloud project of this environment: its id and its number."
  type = object({
    id     = string
    number = string
  })
}

variable "region" {
  description = "Region that everything is in."
  type        = string
  default     = "europe-west1"
}

variable "domain" {
  description = "Domain of the four hosts: `name`, and `existing_zone` when a Cloud DNS zone of this project serves it already."
  type = object({
    name          = string
    existing_zone = optional(string)
  })
}

variable "admins" {
  description = "Who may open Concourse, SonarQube and Prometheus: `user:…`, `group:…` or `domain:…`."
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
  description = "Account that pushes images and deploys: bootstrap's output `delivery_account`."
  type        = string
}

variable "ranges" {
  description = "IPv4 ranges, where the defaults collide with a network that this one is to be joined with."
  type = object({
    nodes           = optional(string, "10.10.0.0/22")
    pods            = optional(string, "10.20.0.0/16")
    services        = optional(string, "10.30.0.0/20")
    services_access = optional(string, "10.40.0.0/20")
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

variable "password_version" {
  description = "Raise it to generate new passwords and keys."
  type        = number
  default     = 1
}

variable "deletion_protection" {
  description = "Set to false and applied, it lets cluster and database be destroyed."
  type        = bool
  default     = true
}
