mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email  = "roster-nodes@roster-test.iam.gserviceaccount.com"
      member = "serviceAccount:roster-nodes@roster-test.iam.gserviceaccount.com"
    }
  }
  mock_resource "google_kms_key_ring" {
    defaults = {
      id = "projects/roster-test/locations/europe-west1/keyRings/roster"
    }
  }
  mock_resource "google_kms_crypto_key" {
    defaults = {
      id = "projects/roster-test/locations/europe-west1/keyRings/roster/cryptoKeys/roster-etcd"
    }
  }
}

variables {
  project  = { id = "roster-test", number = "123456789012" }
  location = "europe-west1"
  image_policy = {
    repositories = ["europe-west1-docker.pkg.dev/roster-test/roster/**"]
  }
  network = {
    network        = "projects/roster-test/global/networks/roster"
    subnetwork     = "projects/roster-test/regions/europe-west1/subnetworks/roster-nodes"
    pods_range     = "pods"
    services_range = "services"
  }
}

run "autopilot_is_the_default" {
  command = apply

  assert {
    condition     = google_container_cluster.this.enable_autopilot == true && length(google_container_node_pool.this) == 0
    error_message = "the default is not Autopilot"
  }
  assert {
    condition     = google_container_cluster.this.cluster_autoscaling[0].auto_provisioning_defaults[0].service_account == google_service_account.nodes.email
    error_message = "Autopilot's nodes run as the project's default account"
  }
}

run "nodes_and_control_plane_are_private" {
  command = apply

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_nodes
    error_message = "nodes have public addresses"
  }
  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_endpoint
    error_message = "the control plane has a public address"
  }
  assert {
    condition     = google_container_cluster.this.control_plane_endpoints_config[0].ip_endpoints_config[0].enabled == false
    error_message = "the control plane answers under IP addresses"
  }
  assert {
    condition     = google_container_cluster.this.control_plane_endpoints_config[0].dns_endpoint_config[0].allow_external_traffic
    error_message = "the DNS endpoint is closed: nobody outside the network could deploy"
  }
}

run "data_plane_and_identities" {
  command = apply

  assert {
    condition     = google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH"
    error_message = "Dataplane V2 is off: network policies would not be enforced"
  }
  assert {
    condition     = google_container_cluster.this.workload_identity_config[0].workload_pool == "roster-test.svc.id.goog"
    error_message = "Workload Identity is off or another project's"
  }
  assert {
    condition     = google_container_cluster.this.master_auth[0].client_certificate_config[0].issue_client_certificate == false && google_container_cluster.this.enable_legacy_abac == false
    error_message = "client certificates or legacy authorization are on"
  }
  assert {
    condition     = google_container_cluster.this.gateway_api_config[0].channel == "CHANNEL_STANDARD"
    error_message = "the Gateway API is off"
  }
  assert {
    condition     = google_container_cluster.this.networking_mode == "VPC_NATIVE" && google_container_cluster.this.ip_allocation_policy[0].cluster_secondary_range_name == "pods"
    error_message = "the cluster is not VPC-native"
  }
}

run "secrets_are_encrypted_with_a_key_that_rotates" {
  command = apply

  assert {
    condition     = google_container_cluster.this.database_encryption[0].state == "ENCRYPTED" && google_container_cluster.this.database_encryption[0].key_name == google_kms_crypto_key.etcd.id
    error_message = "etcd is not encrypted with our key"
  }
  assert {
    condition     = google_kms_crypto_key.etcd.rotation_period == "7776000s"
    error_message = "the key does not rotate every 90 days"
  }
  assert {
    condition     = google_kms_crypto_key_iam_member.etcd.member == "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
    error_message = "GKE's service agent cannot use the key"
  }
}

run "key_ring_may_have_a_name_of_its_own" {
  command = apply
  variables {
    key_ring_name = "roster-dev-a1b2c3"
  }

  assert {
    condition     = google_kms_key_ring.this.name == "roster-dev-a1b2c3"
    error_message = "a cluster that is created again would meet the earlier one's key ring"
  }
}

run "images_of_no_other_repository_run" {
  command = apply

  assert {
    condition     = google_binary_authorization_policy.this.default_admission_rule[0].evaluation_mode == "ALWAYS_DENY" && google_binary_authorization_policy.this.default_admission_rule[0].enforcement_mode == "ENFORCED_BLOCK_AND_AUDIT_LOG"
    error_message = "any image may run"
  }
  assert {
    condition     = google_binary_authorization_policy.this.admission_whitelist_patterns[*].name_pattern == tolist(["europe-west1-docker.pkg.dev/roster-test/roster/**"])
    error_message = "images of another repository may run"
  }
  assert {
    condition     = google_binary_authorization_policy.this.global_policy_evaluation_mode == "ENABLE"
    error_message = "GKE's own pods would be refused"
  }
  assert {
    condition     = google_container_cluster.this.binary_authorization[0].evaluation_mode == "PROJECT_SINGLETON_POLICY_ENFORCE"
    error_message = "the cluster does not ask the policy"
  }
}

run "the_image_policy_can_be_tried_first" {
  command = plan
  variables {
    image_policy = { repositories = ["europe-west1-docker.pkg.dev/roster-test/roster/**"], enforced = false }
  }

  assert {
    condition     = google_binary_authorization_policy.this.default_admission_rule[0].enforcement_mode == "DRYRUN_AUDIT_LOG_ONLY"
    error_message = "a dry run refuses pods"
  }
}

run "refuses_to_allow_any_image" {
  command = plan
  variables {
    image_policy = { repositories = ["**"] }
  }
  expect_failures = [var.image_policy]
}

run "upgrades_come_in_a_window" {
  command = apply

  assert {
    condition     = google_container_cluster.this.release_channel[0].channel == "REGULAR"
    error_message = "the cluster is in no release channel"
  }
  assert {
    condition     = google_container_cluster.this.maintenance_policy[0].recurring_window[0].recurrence == "FREQ=WEEKLY;BYDAY=SA,SU"
    error_message = "there is no maintenance window"
  }
}

run "is_protected_from_deletion" {
  command = apply

  assert {
    condition     = google_container_cluster.this.deletion_protection
    error_message = "the cluster can be destroyed by one wrong plan"
  }
}

run "nodes_have_the_least_role" {
  command = apply

  assert {
    condition     = google_project_iam_member.nodes.role == "roles/container.defaultNodeServiceAccount"
    error_message = "nodes may do more than run as nodes"
  }
  assert {
    condition     = google_project_iam_member.nodes.member == "serviceAccount:roster-nodes@roster-test.iam.gserviceaccount.com"
    error_message = "the role goes to another account"
  }
}

run "standard_mode_is_spot_shielded_and_private" {
  command = apply
  # A cluster of its own, not the one of the runs above: what is ignored in changes counts when it is made.
  state_key = "standard"
  variables {
    mode     = "standard"
    location = "europe-west1-b"
  }

  assert {
    condition     = google_container_cluster.this.enable_autopilot == null && google_container_cluster.this.remove_default_node_pool
    error_message = "the default node pool stays"
  }
  assert {
    condition     = google_container_cluster.this.enable_shielded_nodes && google_container_cluster.this.enable_intranode_visibility
    error_message = "nodes are not shielded"
  }
  assert {
    condition     = google_container_node_pool.this[0].node_config[0].spot
    error_message = "the node pool is not spot"
  }
  assert {
    condition     = google_container_node_pool.this[0].network_config[0].enable_private_nodes
    error_message = "nodes of the pool have public addresses"
  }
  assert {
    condition     = google_container_node_pool.this[0].node_config[0].shielded_instance_config[0].enable_secure_boot && google_container_node_pool.this[0].node_config[0].shielded_instance_config[0].enable_integrity_monitoring
    error_message = "secure boot is off"
  }
  assert {
    condition     = google_container_node_pool.this[0].node_config[0].workload_metadata_config[0].mode == "GKE_METADATA"
    error_message = "pods could take the node's own identity"
  }
  assert {
    condition     = google_container_node_pool.this[0].node_config[0].service_account == google_service_account.nodes.email
    error_message = "nodes run as the default account"
  }
  assert {
    condition     = google_container_cluster.this.node_config[0].service_account == google_service_account.nodes.email
    error_message = "the first pool runs as the project's default account, which may be gone"
  }
  assert {
    condition     = google_kms_key_ring.this.location == "europe-west1"
    error_message = "a zonal cluster keeps its key in the zone's region"
  }
}

run "managed_prometheus_is_a_choice_in_standard_mode" {
  command = apply
  variables {
    mode = "standard"
  }
  assert {
    condition     = google_container_cluster.this.monitoring_config[0].managed_prometheus[0].enabled == false
    error_message = "Google's Prometheus is on without being chosen"
  }
}

run "client_finds_the_cluster" {
  command = apply

  assert {
    condition     = output.cluster.context == "gke_roster-test_europe-west1_roster"
    error_message = "the context is not the one that gcloud writes"
  }
  assert {
    condition     = startswith(output.cluster.endpoint, "https://")
    error_message = "the endpoint is not a URL"
  }
}

run "refuses_autopilot_in_a_zone" {
  command = plan
  variables {
    location = "europe-west1-b"
  }
  expect_failures = [var.location]
}

run "refuses_an_unknown_mode" {
  command = plan
  variables {
    mode = "manual"
  }
  expect_failures = [var.mode]
}

run "refuses_a_window_that_ends_before_it_starts" {
  command = plan
  variables {
    maintenance = { end_time = "2026-01-03T01:00:00Z" }
  }
  expect_failures = [var.maintenance]
}

run "refuses_a_project_name_for_its_number" {
  command = plan
  variables {
    project = { id = "roster-test", number = "roster-test" }
  }
  expect_failures = [var.project]
}

run "viewers_may_do_nothing_in_the_cluster" {
  command = apply
  variables {
    viewers = ["serviceAccount:roster-delivery@roster-test.iam.gserviceaccount.com"]
  }

  assert {
    condition     = { for member, grant in google_project_iam_member.viewers : member => grant.role } == { "serviceAccount:roster-delivery@roster-test.iam.gserviceaccount.com" = "roles/container.clusterViewer" }
    error_message = "who deploys reads every namespace's Secrets and executes in its pods"
  }
}

run "refuses_everybody_as_viewer" {
  command = plan
  variables {
    viewers = ["allUsers"]
  }
  expect_failures = [var.viewers]
}

run "refuses_fewer_nodes_at_most_than_at_least" {
  command = plan
  variables {
    node_pool = { min_nodes = 5 }
  }
  expect_failures = [var.node_pool]
}

run "refuses_to_leave_the_channels" {
  command = plan
  variables {
    release_channel = "UNSPECIFIED"
  }
  expect_failures = [var.release_channel]
}
