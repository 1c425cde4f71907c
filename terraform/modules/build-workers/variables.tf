variable "project_id" {
  description = "Project of the machines."
  type        = string
}

variable "region" {
  description = "Region of the machines."
  type        = string
}

variable "subnetwork_id" {
  description = "Subnetwork of the machines: the network module's `subnetwork.id`."
  type        = string
}

variable "address" {
  description = "Internal address that Concourse's worker gateway is given, so that machines know it before it exists; it must lie in the subnetwork and be free."
  type        = string

  validation {
    condition     = can(cidrhost("${var.address}/32", 0))
    error_message = "address: an IPv4 address of the subnetwork, such as \"10.10.3.250\"."
  }
}

variable "image" {
  description = "Concourse's image, by version; the version of the web node."
  type        = string
  default     = "concourse/concourse:8.1.1"

  validation {
    condition     = can(regex(":[0-9]+\\.[0-9]+\\.[0-9]+(@sha256:[0-9a-f]{64})?$", var.image))
    error_message = "image: with an exact version, such as \"concourse/concourse:8.1.1\"; workers and web node must be of one version."
  }
}

variable "machines" {
  description = "Number and kind of the machines. Spot machines cost a third and may go in the middle of a build."
  type = object({
    count    = optional(number, 1)
    type     = optional(string, "e2-standard-4")
    disk_gib = optional(number, 50)
    spot     = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.machines.count >= 1 && var.machines.disk_gib >= 20
    error_message = "machines: at least one, with at least 20 GiB for images and caches."
  }
}

variable "secrets" {
  description = "Names in Secret Manager of the worker's key pair and of the host key that it checks Concourse by."
  type = object({
    worker_key = string
    host_key   = string
  })
}

variable "labels" {
  description = "Labels of the machines."
  type        = map(string)
  default     = {}
}
