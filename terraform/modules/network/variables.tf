variable "project_id" {
  description = "Project that the network belongs to."
  type        = string
}

variable "region" {
  description = "Region of the subnetwork, the router and the NAT."
  type        = string
}

variable "name" {
  description = "Name of the network; its parts are named after it."
  type        = string
  default     = "roster"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,40}[a-z0-9]$", var.name))
    error_message = "name: lower-case letters, digits and dashes, beginning with a letter, at most 42 characters: \"roster\"."
  }
}

variable "ranges" {
  description = "IPv4 ranges: `nodes` of the subnetwork, `pods` and `services` of the cluster, `services_access` for Google's own services such as Cloud SQL."
  type = object({
    nodes           = optional(string, "10.10.0.0/22")
    pods            = optional(string, "10.20.0.0/16")
    services        = optional(string, "10.30.0.0/20")
    services_access = optional(string, "10.40.0.0/20")
  })
  default = {}

  validation {
    condition     = alltrue([for range in values(var.ranges) : can(cidrhost(range, 0))])
    error_message = "ranges: ${join(", ", [for name, range in var.ranges : "${name} = \"${range}\"" if !can(cidrhost(range, 0))])} is not a CIDR range; write an address and a prefix length, such as \"10.10.0.0/22\"."
  }

  validation {
    condition = alltrue([for range in values(var.ranges) :
    can(cidrhost(range, 0)) ? cidrhost(range, 0) == split("/", range)[0] : true])
    error_message = "ranges: ${join(", ", [for name, range in var.ranges : "${name} = \"${range}\" has host bits set, write \"${cidrhost(range, 0)}/${split("/", range)[1]}\"" if can(cidrhost(range, 0)) ? cidrhost(range, 0) != split("/", range)[0] : false])}."
  }

  validation {
    condition = alltrue([for range in values(var.ranges) : can(cidrhost(range, 0)) ? anytrue([
      for private in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"] :
      tonumber(split("/", range)[1]) >= tonumber(split("/", private)[1]) && cidrhost("${split("/", range)[0]}/${split("/", private)[1]}", 0) == split("/", private)[0]
    ]) : true])
    error_message = "ranges: every range must be private (inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10); addresses of the internet would be cut off from the cluster."
  }

  # Two ranges overlap when both have the same network under the shorter of their prefixes.
  validation {
    condition = !anytrue([
      for pair in [["nodes", "pods"], ["nodes", "services"], ["nodes", "services_access"], ["pods", "services"], ["pods", "services_access"], ["services", "services_access"]] :
      try(
        cidrhost("${split("/", var.ranges[pair[0]])[0]}/${min(split("/", var.ranges[pair[0]])[1], split("/", var.ranges[pair[1]])[1])}", 0) ==
        cidrhost("${split("/", var.ranges[pair[1]])[0]}/${min(split("/", var.ranges[pair[0]])[1], split("/", var.ranges[pair[1]])[1])}", 0),
      false)
    ])
    error_message = "ranges: ${join("; ", [
      for pair in [["nodes", "pods"], ["nodes", "services"], ["nodes", "services_access"], ["pods", "services"], ["pods", "services_access"], ["services", "services_access"]] :
      "${pair[0]} ${var.ranges[pair[0]]} overlaps ${pair[1]} ${var.ranges[pair[1]]}" if try(
        cidrhost("${split("/", var.ranges[pair[0]])[0]}/${min(split("/", var.ranges[pair[0]])[1], split("/", var.ranges[pair[1]])[1])}", 0) ==
        cidrhost("${split("/", var.ranges[pair[1]])[0]}/${min(split("/", var.ranges[pair[0]])[1], split("/", var.ranges[pair[1]])[1])}", 0),
      false)
    ])}. Give each a range of its own, such as nodes 10.10.0.0/22, pods 10.20.0.0/16, services 10.30.0.0/20, services_access 10.40.0.0/20."
  }

  validation {
    condition     = can(cidrhost(var.ranges.pods, 0)) && can(cidrhost(var.ranges.nodes, 0)) ? tonumber(split("/", var.ranges.pods)[1]) <= 21 && tonumber(split("/", var.ranges.nodes)[1]) <= 26 : true
    error_message = "ranges: pods needs /21 or larger (a node takes a /26 of it) and nodes /26 or larger; write for instance pods = \"10.20.0.0/16\", nodes = \"10.10.0.0/22\"."
  }
}

variable "flow_log_sampling" {
  description = "Share of the subnetwork's flows that is logged, 0 to 1."
  type        = number
  default     = 0.1

  validation {
    condition     = var.flow_log_sampling > 0 && var.flow_log_sampling <= 1
    error_message = "flow_log_sampling: above 0 and at most 1: 0.1 logs every tenth flow."
  }
}
