variable "project_id" {
  description = "Project of the machines."
  type        = string
}

variable "region" {
  description = "Region of the machines."
  type        = string
}

variable "network_id" {
  description = "Network of the machines: the network module's `network.id`."
  type        = string
}

variable "subnetwork_id" {
  description = "Subnetwork of the machines: the network module's `subnetwork.id`."
  type        = string
}

variable "address" {
  description = "Internal address of Concourse's worker gateway: an unused address of the subnetwork, known before the gateway exists."
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

variable "pools" {
  description = "Groups of machines by name. `default` runs every step without a tag; any other pool runs only the steps that carry its name as their tag. `worker_key` names the secret with the pool's own key pair. `restricted_networks` are refused to tasks and machines, besides the metadata server's. Spot machines cost a third and can be reclaimed during a build."
  type = map(object({
    worker_key          = string
    count               = optional(number, 1)
    machine_type        = optional(string, "e2-standard-4")
    disk_gib            = optional(number, 50)
    spot                = optional(bool, true)
    restricted_networks = optional(list(string), [])
  }))

  validation {
    condition     = contains(keys(var.pools), "default")
    error_message = "pools: there must be a pool \"default\"; without it no step without a tag would ever start."
  }

  validation {
    # An account's name has at most 30 characters.
    condition     = alltrue([for name in keys(var.pools) : can(regex("^[a-z][a-z-]{0,10}[a-z]$", name))])
    error_message = "pools: a name is 2 to 12 lower-case letters and dashes, such as \"pull-request\"."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : pool.count >= 1 && pool.disk_gib >= 20])
    error_message = "pools: at least one machine each, with at least 20 GiB for images and caches."
  }

  validation {
    condition     = length(distinct([for pool in values(var.pools) : pool.worker_key])) == length(var.pools)
    error_message = "pools: each pool has a worker_key of its own, so that one can be revoked without the others."
  }

  validation {
    condition     = alltrue(flatten([for pool in values(var.pools) : [for network in pool.restricted_networks : can(cidrhost(network, 0))]]))
    error_message = "pools: restricted_networks are CIDR ranges, such as \"10.40.0.0/20\"."
  }
}

variable "host_key" {
  description = "Name in Secret Manager of the host key that workers check Concourse by."
  type        = string
}

variable "labels" {
  description = "Labels of the machines."
  type        = map(string)
  default     = {}
}
