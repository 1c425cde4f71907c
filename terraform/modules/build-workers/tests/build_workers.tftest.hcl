mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email  = "concourse-workers@roster-test.iam.gserviceaccount.com"
      member = "serviceAccount:concourse-workers@roster-test.iam.gserviceaccount.com"
    }
  }
}

override_resource {
  target = google_service_account.this["pull-request"]
  values = {
    email  = "concourse-workers-pull-request@roster-test.iam.gserviceaccount.com"
    member = "serviceAccount:concourse-workers-pull-request@roster-test.iam.gserviceaccount.com"
  }
}

variables {
  project_id    = "roster-test"
  region        = "europe-west1"
  network_id    = "projects/roster-test/global/networks/roster"
  subnetwork_id = "projects/roster-test/regions/europe-west1/subnetworks/roster-nodes"
  address       = "10.10.3.250"
  host_key      = "concourse-host-key"
  pools = {
    default      = { worker_key = "concourse-worker-key", restricted_networks = ["10.40.0.0/20"] }
    pull-request = { worker_key = "concourse-pull-request-worker-key", restricted_networks = ["10.0.0.0/8"] }
  }
}

run "machines_have_no_public_address" {
  command = apply

  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : length(template.network_interface[0].access_config) == 0 && template.can_ip_forward == false])
    error_message = "a worker can be reached from the internet"
  }
  assert {
    condition     = google_compute_address.worker_gateway.address_type == "INTERNAL"
    error_message = "workers register over the internet"
  }
}

run "machines_are_shielded" {
  command = apply

  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : template.shielded_instance_config[0].enable_secure_boot])
    error_message = "secure boot is off"
  }
  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : template.metadata["block-project-ssh-keys"] == "true"])
    error_message = "the project's SSH keys are accepted"
  }
}

run "tasks_do_not_reach_the_metadata_server" {
  command = apply

  assert {
    condition = alltrue([for template in google_compute_instance_template.this :
      strcontains(template.metadata["user-data"], " -e CONCOURSE_CONTAINERD_RESTRICTED_NETWORK=169.254.0.0/16,")
    ])
    error_message = "a task can take the token of the machine's account"
  }
  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : strcontains(template.metadata["user-data"], " -e CONCOURSE_CONTAINERD_DNS_PROXY_ENABLE=true ")])
    error_message = "tasks cannot resolve names: the machine's resolver is the metadata server, which is closed to them"
  }
  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : !strcontains(template.metadata["user-data"], "--network=host")])
    error_message = "the DNS proxy opens the machine's own network namespace to tasks"
  }
}

# The worker's own container is privileged, and is not restricted by Concourse.
run "the_workers_container_does_not_reach_the_metadata_server" {
  command = apply

  assert {
    condition = alltrue([for template in google_compute_instance_template.this :
      try(index(regexall("ExecStart[A-Za-z]*=[^ ]+ [^ \n]+", template.metadata["user-data"]), "ExecStartPre=/bin/bash /var/lib/concourse/close-metadata.sh"), -1) == 0
    ])
    error_message = "the metadata server is not closed before the worker starts"
  }
  assert {
    condition = alltrue([for template in google_compute_instance_template.this : one([
      for file in yamldecode(template.metadata["user-data"]).write_files : strcontains(file.content, "iptables -w -A DOCKER-USER -d 169.254.0.0/16 -j REJECT")
      if file.path == "/var/lib/concourse/close-metadata.sh"
    ])])
    error_message = "the script does not close the metadata server"
  }
}

run "the_key_is_gone_once_the_worker_has_registered" {
  command = apply

  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : strcontains(template.metadata["user-data"], "ExecStartPost=/bin/bash /var/lib/concourse/remove-key.sh\n")])
    error_message = "the worker's private key stays on the machine while builds run"
  }
  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : contains(yamldecode(template.metadata["user-data"]).write_files[*].path, "/var/lib/concourse/remove-key.sh")])
    error_message = "the script that removes the key is not installed"
  }
}

run "pull_requests_have_machines_of_their_own" {
  command = apply

  assert {
    condition     = strcontains(google_compute_instance_template.this["pull-request"].metadata["user-data"], " -e CONCOURSE_TAG=pull-request ")
    error_message = "machines for pull requests would also run the builds of production"
  }
  assert {
    condition     = !strcontains(google_compute_instance_template.this["default"].metadata["user-data"], "CONCOURSE_TAG")
    error_message = "steps without a tag would find no worker"
  }
  assert {
    condition     = google_compute_instance_template.this["pull-request"].service_account[0].email == "concourse-workers-pull-request@roster-test.iam.gserviceaccount.com" && google_compute_instance_template.this["default"].service_account[0].email == "concourse-workers@roster-test.iam.gserviceaccount.com"
    error_message = "both pools act as one account"
  }
}

run "each_pool_reads_its_own_key_and_nothing_else" {
  command = apply

  assert {
    condition = { for key, member in google_secret_manager_secret_iam_member.keys : key => "${member.secret_id} ${member.role} ${member.member}" } == {
      "default/worker_key"      = "concourse-worker-key roles/secretmanager.secretAccessor serviceAccount:concourse-workers@roster-test.iam.gserviceaccount.com"
      "default/host_key"        = "concourse-host-key roles/secretmanager.secretAccessor serviceAccount:concourse-workers@roster-test.iam.gserviceaccount.com"
      "pull-request/worker_key" = "concourse-pull-request-worker-key roles/secretmanager.secretAccessor serviceAccount:concourse-workers-pull-request@roster-test.iam.gserviceaccount.com"
      "pull-request/host_key"   = "concourse-host-key roles/secretmanager.secretAccessor serviceAccount:concourse-workers-pull-request@roster-test.iam.gserviceaccount.com"
    }
    error_message = "a pool reads another secret, or may do more than read"
  }
  assert {
    condition = { for pool, template in google_compute_instance_template.this : pool => one(regexall("fetch-keys\\.sh [a-z].*", template.metadata["user-data"])) } == {
      default      = "fetch-keys.sh roster-test concourse-worker-key concourse-host-key"
      pull-request = "fetch-keys.sh roster-test concourse-pull-request-worker-key concourse-host-key"
    }
    error_message = "a machine would fetch a key that its account cannot read"
  }
  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : !can(regex("PRIVATE KEY", template.metadata["user-data"]))])
    error_message = "a key is in the machine's metadata"
  }
}

run "restricted_networks_are_closed_to_tasks_and_machines" {
  command = apply

  assert {
    condition     = strcontains(google_compute_instance_template.this["default"].metadata["user-data"], "RESTRICTED_NETWORK=169.254.0.0/16,10.40.0.0/20 ") && strcontains(google_compute_instance_template.this["pull-request"].metadata["user-data"], "RESTRICTED_NETWORK=169.254.0.0/16,10.0.0.0/8 ")
    error_message = "a task reaches a network that its pool is kept from"
  }
  assert {
    condition     = { for pool, rule in google_compute_firewall.deny_egress : pool => "${rule.direction} ${join(",", rule.destination_ranges)} ${join(",", rule.target_service_accounts)} ${one(rule.deny).protocol}" } == { default = "EGRESS 10.40.0.0/20 concourse-workers@roster-test.iam.gserviceaccount.com all", pull-request = "EGRESS 10.0.0.0/8 concourse-workers-pull-request@roster-test.iam.gserviceaccount.com all" }
    error_message = "a machine reaches a network that its pool is kept from"
  }
  assert {
    condition     = google_compute_firewall.allow_registration.priority < google_compute_firewall.deny_egress["pull-request"].priority && google_compute_firewall.allow_registration.destination_ranges == toset(["10.10.3.250/32"]) && one(google_compute_firewall.allow_registration.allow).ports == tolist(["2222"])
    error_message = "workers cannot register, or reach more than the worker gateway"
  }
}

run "builds_run_where_programs_may_run" {
  command = apply

  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : strcontains(template.metadata["user-data"], "-v /worker-state ") && !strcontains(template.metadata["user-data"], ":/worker-state")])
    error_message = "builds would lie on a file system that is mounted noexec"
  }
}

run "replaces_machines_in_regions_of_four_zones" {
  command = apply

  assert {
    condition     = alltrue([for group in google_compute_region_instance_group_manager.this : group.update_policy[0].max_surge_fixed >= 4])
    error_message = "regions of four zones refuse a surge below four"
  }
}

run "knows_where_to_register" {
  command = apply

  assert {
    condition     = alltrue([for template in google_compute_instance_template.this : strcontains(template.metadata["user-data"], "CONCOURSE_TSA_HOST=10.10.3.250:2222")])
    error_message = "the worker does not find Concourse"
  }
  assert {
    condition     = google_compute_address.worker_gateway.address == "10.10.3.250"
    error_message = "the address that workers register at is not reserved"
  }
}

run "refuses_an_image_without_a_version" {
  command = plan
  variables {
    image = "concourse/concourse:latest"
  }
  expect_failures = [var.image]
}

run "refuses_a_range_for_an_address" {
  command = plan
  variables {
    address = "10.10.0.0/22"
  }
  expect_failures = [var.address]
}

run "refuses_no_machine" {
  command = plan
  variables {
    pools = { default = { worker_key = "concourse-worker-key", count = 0 } }
  }
  expect_failures = [var.pools]
}

run "refuses_a_disk_too_small_for_images" {
  command = plan
  variables {
    pools = { default = { worker_key = "concourse-worker-key", disk_gib = 10 } }
  }
  expect_failures = [var.pools]
}

run "refuses_to_run_no_step_without_a_tag" {
  command = plan
  variables {
    pools = { pull-request = { worker_key = "concourse-worker-key" } }
  }
  expect_failures = [var.pools]
}

run "refuses_one_key_for_two_pools" {
  command = plan
  variables {
    pools = { default = { worker_key = "concourse-worker-key" }, pull-request = { worker_key = "concourse-worker-key" } }
  }
  expect_failures = [var.pools]
}

run "refuses_a_name_too_long_for_an_account" {
  command = plan
  variables {
    pools = { default = { worker_key = "concourse-worker-key" }, pull-requests-of-forks = { worker_key = "other" } }
  }
  expect_failures = [var.pools]
}

run "refuses_an_address_for_a_network" {
  command = plan
  variables {
    pools = { default = { worker_key = "concourse-worker-key", restricted_networks = ["10.40.0.1"] } }
  }
  expect_failures = [var.pools]
}
