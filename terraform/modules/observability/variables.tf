variable "project" {
  description = "Monitored project: its id and its number."
  type = object({
    id     = string
    number = string
  })
}

variable "environment" {
  description = "Name of the environment, in the titles of alerts."
  type        = string
}

variable "hosts" {
  description = "Host names by a key of your choice; each is requested over HTTPS from outside."
  type        = map(string)
}

variable "notification_emails" {
  description = "E-mail addresses that are notified when a host is down or the budget is used up."
  type        = set(string)

  validation {
    condition     = length(var.notification_emails) > 0 && alltrue([for email in var.notification_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "notification_emails: at least one address, such as \"ops@example.com\"; otherwise nobody is notified."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = var.log_retention_days >= 7 && var.log_retention_days <= 3650
    error_message = "log_retention_days: between 7 and 3650."
  }
}

variable "budget" {
  description = "Monthly budget in the billing account's currency, and that account; null watches no budget."
  type = object({
    billing_account = string
    monthly_units   = number
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)) && var.budget.monthly_units > 0
    error_message = "budget: billing_account like \"0A1B2C-3D4E5F-6A7B8C\" (`gcloud billing accounts list`), monthly_units above 0."
  }
}
