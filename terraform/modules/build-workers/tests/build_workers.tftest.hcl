mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email  = "concourse-workers@roster-test.iam.gserviceaccount.com"
      member = "serviceAccount:concourse-workers@roster-test.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id    = "roster-test"
  region        = "europe-west1"
  subnetwork_id = "projects/roster-test/regions/europe-west1/subnetworks/roster-nodes"
  address       = "10.10.3.250"
  secrets       = { worker_key = "concourse-worker-key", host_key = "concourse-host-key" }
}

run "machines_have_no_public_address" {
  command = apply

  assert {
    condition     = length(google_compute_instance_template.this.network_interface[0].access_config) == 0 && google_compute_instance_template.this.can_ip_forward == false
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
    condition     = google_compute_instance_template.this.shielded_instance_config[0].enable_secure_boot && google_compute_instance_template.this.metadata["block-project-ssh-keys"] == "true"
    error_message = "secure boot is off, or the project's SSH keys are accepted"
  }
}

run "reads_its_keys_and_nothing_else" {
  command = apply

  assert {
    condition     = { for key, member in google_secret_manager_secret_iam_member.keys : key => member.secret_id } == { worker_key = "concourse-worker-key", host_key = "concourse-host-key" }
    error_message = "workers read other secrets"
  }
  assert {
    condition     = !can(regex("PRIVATE KEY", google_compute_instance_template.this.metadata["user-data"]))
    error_message = "a key is in the machine's metadata"
  }
}

run "builds_run_where_programs_may_run" {
  command = apply

  assert {
    condition     = strcontains(google_compute_instance_template.this.metadata["user-data"], "-v /worker-state ") && !strcontains(google_compute_instance_template.this.metadata["user-data"], ":/worker-state")
    error_message = "builds would lie on a file system that forbids running anything"
  }
  assert {
    condition     = google_compute_region_instance_group_manager.this.update_policy[0].max_surge_fixed >= 4
    error_message = "regions of four zones refuse a surge below four"
  }
}

run "knows_where_to_register" {
  command = apply

  assert {
    condition     = strcontains(google_compute_instance_template.this.metadata["user-data"], "CONCOURSE_TSA_HOST=10.10.3.250:2222")
    error_message = "the worker does not find Concourse"
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
    machines = { count = 0 }
  }
  expect_failures = [var.machines]
}
