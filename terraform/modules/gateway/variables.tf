variable "project_id" {
  description = "Project of the gateway."
  type        = string
}

variable "name" {
  description = "Name that the parts are made from."
  type        = string
  default     = "roster"
}

variable "hosts" {
  description = "Host names by a key of your choice; each gets a DNS authorization, a name in the certificate and an entry in the certificate map."
  type        = map(string)

  validation {
    condition     = length(var.hosts) > 0
    error_message = "hosts: at least one, such as { service = \"service.example.com\" }."
  }

  validation {
    condition     = alltrue([for host in values(var.hosts) : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", host))])
    error_message = "hosts: full names in lower case, without scheme, port or final dot: \"service.example.com\"."
  }
}

variable "rate_limit" {
  description = "Requests of one client address: above `requests` in `interval_seconds` it gets 429; above `ban_requests` it is refused for `ban_seconds`."
  type = object({
    requests         = optional(number, 6000)
    interval_seconds = optional(number, 60)
    ban_requests     = optional(number, 30000)
    ban_seconds      = optional(number, 600)
  })
  default = {}

  validation {
    condition     = contains([10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700, 3600], var.rate_limit.interval_seconds)
    error_message = "rate_limit.interval_seconds: one of 10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700, 3600; Cloud Armor counts in no other."
  }

  validation {
    condition     = var.rate_limit.requests > 0 && var.rate_limit.ban_requests > var.rate_limit.requests
    error_message = "rate_limit: requests above 0, and ban_requests above requests: a client is slowed down before it is banned."
  }
}

variable "waf_rules" {
  description = "Cloud Armor's preconfigured rule sets (OWASP Core Rule Set 3.3) that refuse a request; an empty set switches them off."
  type        = set(string)
  default     = ["lfi-v33-stable", "rce-v33-stable", "scannerdetection-v33-stable", "protocolattack-v33-stable"]
}

variable "labels" {
  description = "Labels of the certificate's parts."
  type        = map(string)
  default     = {}
}
