locals {
  # The pool "default" runs every step without a tag; any other pool runs the steps that carry its name as their tag.
  untagged = "default"
  suffixes = { for pool in keys(var.pools) : pool => pool == local.untagged ? "" : "-${pool}" }
  # Metadata servers answer on link-local addresses.
  restricted_networks = { for name, pool in var.pools : name => concat(["169.254.0.0/16"], pool.restricted_networks) }
}
