variable "project_id" {
  description = "Project of the zone."
  type        = string
}

variable "domain" {
  description = "Domain of the zone, without a final dot."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain))
    error_message = "domain: a name that you own, in lower case and without a final dot, such as \"example.com\" or \"roster.example.com\"."
  }
}

variable "existing_zone" {
  description = "Name of a Cloud DNS zone that already serves the domain; null makes one."
  type        = string
  default     = null
}

variable "hosts" {
  description = "Host names by a key of your choice; each must be in the domain."
  type        = map(string)

  validation {
    condition     = alltrue([for host in values(var.hosts) : endswith(host, ".${var.domain}")])
    error_message = "hosts: ${join(", ", [for host in values(var.hosts) : host if !endswith(host, ".${var.domain}")])} does not end in \".${var.domain}\"."
  }
}

variable "address" {
  description = "IPv4 address of the gateway."
  type        = string
}

variable "authorizations" {
  description = "Records by which Certificate Manager verifies the hosts, by the keys of `hosts`: the gateway module's output."
  type = map(object({
    name = string
    type = string
    data = string
  }))
  default = {}
}

variable "certificate_authorities" {
  description = "Authorities that may issue certificates for the domain (CAA); pki.goog is Google's."
  type        = set(string)
  default     = ["pki.goog"]

  validation {
    condition     = length(var.certificate_authorities) > 0
    error_message = "certificate_authorities: at least one, \"pki.goog\" for Certificate Manager, \"letsencrypt.org\" for cert-manager; with none no certificate could be issued."
  }
}

variable "ttl_seconds" {
  description = "How long resolvers keep the hosts' addresses."
  type        = number
  default     = 300
}

variable "labels" {
  description = "Labels of the zone."
  type        = map(string)
  default     = {}
}
