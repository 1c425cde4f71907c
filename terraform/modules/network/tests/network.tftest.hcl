mock_provider "google" {
  mock_resource "google_compute_network" {
    defaults = {
      id = "projects/roster-test/global/networks/roster"
    }
  }
  mock_resource "google_compute_subnetwork" {
    defaults = {
      id = "projects/roster-test/regions/europe-west1/subnetworks/roster-nodes"
    }
  }
}

variables {
  project_id = "roster-test"
  region     = "europe-west1"
}

run "subnetwork_is_vpc_native_and_private" {
  command = apply

  assert {
    condition     = google_compute_network.this.auto_create_subnetworks == false
    error_message = "the network must not make a subnetwork in every region"
  }
  assert {
    condition     = google_compute_subnetwork.nodes.private_ip_google_access
    error_message = "nodes without a public address need Private Google Access"
  }
  assert {
    condition     = { for range in google_compute_subnetwork.nodes.secondary_ip_range : range.range_name => range.ip_cidr_range } == { pods = "10.20.0.0/16", services = "10.30.0.0/20" }
    error_message = "pods and services need ranges of their own"
  }
  assert {
    condition     = google_compute_subnetwork.nodes.log_config[0].flow_sampling > 0
    error_message = "flow logs are off"
  }
}

run "way_out_is_nat_alone" {
  command = apply

  assert {
    condition     = [for subnetwork in google_compute_router_nat.this.subnetwork : subnetwork.name] == [google_compute_subnetwork.nodes.id]
    error_message = "NAT does not serve the nodes' subnetwork"
  }
  assert {
    condition     = google_compute_router_nat.this.log_config[0].enable
    error_message = "NAT does not log its errors"
  }
}

run "private_service_access_uses_its_range" {
  command = apply

  assert {
    condition     = google_compute_global_address.services_access.purpose == "VPC_PEERING" && google_compute_global_address.services_access.address_type == "INTERNAL"
    error_message = "the reserved range is not for peering"
  }
  assert {
    condition     = "${google_compute_global_address.services_access.address}/${google_compute_global_address.services_access.prefix_length}" == "10.40.0.0/20"
    error_message = "the reserved range is not the one given"
  }
  assert {
    condition     = google_service_networking_connection.this.reserved_peering_ranges == tolist([google_compute_global_address.services_access.name])
    error_message = "the peering uses another range"
  }
  assert {
    condition     = google_service_networking_connection.this.update_on_creation_fail
    error_message = "an environment could not be created again while Google still holds the earlier one's peering"
  }
}

run "firewall_is_closed_by_default" {
  command = apply

  assert {
    condition     = one(google_compute_firewall.deny_ingress.deny).protocol == "all" && google_compute_firewall.deny_ingress.direction == "INGRESS" && google_compute_firewall.deny_ingress.priority == 65534
    error_message = "the last rule does not refuse everything"
  }
  assert {
    condition = alltrue([for rule in [google_compute_firewall.allow_internal, google_compute_firewall.allow_load_balancer] :
    !contains(rule.source_ranges, "0.0.0.0/0") && !contains(rule.source_ranges, "::/0")])
    error_message = "a rule lets the whole internet in"
  }
  assert {
    condition     = google_compute_firewall.allow_load_balancer.source_ranges == toset(["35.191.0.0/16", "130.211.0.0/22"])
    error_message = "something else than Google's front ends reaches the pods"
  }
  assert {
    condition     = !contains(flatten([for allow in google_compute_firewall.allow_load_balancer.allow : allow.ports]), "22")
    error_message = "SSH is open"
  }
}

run "refuses_what_is_no_range" {
  command = plan
  variables {
    ranges = { nodes = "10.10.0.0" }
  }
  expect_failures = [var.ranges]
}

run "refuses_a_prefix_that_is_too_long" {
  command = plan
  variables {
    ranges = { nodes = "10.10.0.0/33" }
  }
  expect_failures = [var.ranges]
}

run "refuses_host_bits" {
  command = plan
  variables {
    ranges = { nodes = "10.10.0.7/22" }
  }
  expect_failures = [var.ranges]
}

run "refuses_ranges_that_overlap" {
  command = plan
  variables {
    ranges = { pods = "10.10.0.0/16" }
  }
  expect_failures = [var.ranges]
}

run "refuses_addresses_of_the_internet" {
  command = plan
  variables {
    ranges = { pods = "8.8.0.0/16" }
  }
  expect_failures = [var.ranges]
}

run "refuses_too_few_pods" {
  command = plan
  variables {
    ranges = { pods = "10.20.0.0/24" }
  }
  expect_failures = [var.ranges]
}

run "refuses_a_name_google_would" {
  command = plan
  variables {
    name = "Roster"
  }
  expect_failures = [var.name]
}

run "refuses_flow_logs_switched_off" {
  command = plan
  variables {
    flow_log_sampling = 0
  }
  expect_failures = [var.flow_log_sampling]
}
