variable "project" {
  description = "Project of the cluster: its id, and its number (the Kubernetes service agent is named after it)."
  type = object({
    id     = string
    number = string
  })

  validation {
    condition     = can(regex("^[0-9]+$", var.project.number))
    error_message = "project.number: digits only; `gcloud projects describe PROJECT_ID --format='value(projectNumber)'` prints it."
  }
}

variable "location" {
  description = "Region for a control plane in three zones, or a zone for a cheaper one (Standard mode only)."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+(-[a-f])?$", var.location))
    error_message = "location: a region such as \"europe-west1\", or a zone such as \"europe-west1-b\"."
  }

  validation {
    condition     = var.mode == "standard" || can(regex("^[a-z]+-[a-z]+[0-9]+$", var.location))
    error_message = "location: an Autopilot cluster lives in a region: write \"${replace(var.location, "/-[a-f]$/", "")}\" instead of \"${var.location}\"."
  }
}

variable "name" {
  description = "Name of the cluster."
  type        = string
  default     = "roster"
}

variable "key_ring_name" {
  description = "Name of the key ring, which no earlier cluster of the project may have had; null for the cluster's name."
  type        = string
  default     = null
}

variable "mode" {
  description = "`autopilot`: Google runs the nodes and bills the pods; `standard`: a spot node pool, cheaper for small clusters that may lose a node."
  type        = string
  default     = "autopilot"

  validation {
    condition     = contains(["autopilot", "standard"], var.mode)
    error_message = "mode: \"autopilot\" or \"standard\"."
  }
}

variable "network" {
  description = "Network and subnetwork of the nodes, with the names of the ranges for pods and services: the network module's outputs."
  type = object({
    network        = string
    subnetwork     = string
    pods_range     = string
    services_range = string
  })
}

variable "release_channel" {
  description = "Google's channel for Kubernetes upgrades."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.release_channel)
    error_message = "release_channel: RAPID, REGULAR, STABLE or EXTENDED; outside a channel a cluster gets no security fixes by itself."
  }
}

variable "maintenance" {
  description = "When Google may upgrade: `start_time` and `end_time` in RFC 3339 (the date is where the recurrence begins), `recurrence` as RFC 5545. Google wants 48 hours of it in any 32 days."
  type = object({
    start_time = optional(string, "2026-01-03T02:00:00Z")
    end_time   = optional(string, "2026-01-03T10:00:00Z")
    recurrence = optional(string, "FREQ=WEEKLY;BYDAY=SA,SU")
  })
  default = {}

  validation {
    condition     = can(timecmp(var.maintenance.start_time, var.maintenance.end_time)) ? timecmp(var.maintenance.start_time, var.maintenance.end_time) < 0 : false
    error_message = "maintenance: start_time must be before end_time, both like \"2026-01-03T02:00:00Z\"."
  }

  validation {
    condition     = startswith(var.maintenance.recurrence, "FREQ=")
    error_message = "maintenance.recurrence: a rule of RFC 5545, such as \"FREQ=WEEKLY;BYDAY=SA,SU\"."
  }
}

variable "node_pool" {
  description = "Standard mode only: machines of the node pool, and between how many of them it scales in each zone."
  type = object({
    machine_type = optional(string, "e2-standard-4")
    disk_gib     = optional(number, 50)
    min_nodes    = optional(number, 1)
    max_nodes    = optional(number, 4)
    spot         = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.node_pool.min_nodes >= 0 && var.node_pool.max_nodes >= max(1, var.node_pool.min_nodes)
    error_message = "node_pool: max_nodes (${var.node_pool.max_nodes}) must be at least 1 and not below min_nodes (${var.node_pool.min_nodes})."
  }
}

variable "managed_prometheus" {
  description = "Lets Google collect the metrics instead of a Prometheus of our own."
  type        = bool
  default     = false
}

variable "viewers" {
  description = "Principals that may connect to the cluster (`group:…`, `user:…`, `serviceAccount:…`); Roles in its namespaces say what they may do."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.viewers : can(regex("^(user|group|serviceAccount|principal|principalSet):", member)) && !startswith(member, "user:all")])
    error_message = "viewers: each begins with user:, group:, serviceAccount:, principal: or principalSet:; allUsers and allAuthenticatedUsers would let anybody connect."
  }
}

variable "image_policy" {
  description = "Images that may run: patterns of `repositories` (`*` within a path segment, `**` across segments). Not `enforced`, what would be refused is only logged."
  type = object({
    repositories = list(string)
    enforced     = optional(bool, true)
  })

  validation {
    condition     = length(var.image_policy.repositories) > 0 && !anytrue([for pattern in var.image_policy.repositories : contains(["*", "**"], pattern)])
    error_message = "image_policy: repositories such as \"europe-west1-docker.pkg.dev/my-project/roster/**\"; with \"**\" any image could run."
  }
}

variable "deletion_protection" {
  description = "Refuses to destroy the cluster until it is set to false and applied."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of every resource that takes them."
  type        = map(string)
  default     = {}
}
