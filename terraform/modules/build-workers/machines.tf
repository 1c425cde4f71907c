resource "google_compute_instance_template" "this" {
  for_each = var.pools

  project      = var.project_id
  region       = var.region
  name_prefix  = "concourse-worker${local.suffixes[each.key]}-"
  machine_type = each.value.machine_type
  labels       = var.labels

  disk {
    source_image = "projects/cos-cloud/global/images/family/cos-stable"
    disk_size_gb = each.value.disk_gib
    disk_type    = "pd-balanced"
    boot         = true
    auto_delete  = true
  }

  # No access_config: the machine has no public address.
  network_interface {
    subnetwork = var.subnetwork_id
  }

  can_ip_forward = false

  service_account {
    email  = google_service_account.this[each.key].email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
  }

  scheduling {
    preemptible                 = each.value.spot
    provisioning_model          = each.value.spot ? "SPOT" : "STANDARD"
    automatic_restart           = !each.value.spot
    on_host_maintenance         = each.value.spot ? "TERMINATE" : "MIGRATE"
    instance_termination_action = each.value.spot ? "DELETE" : null
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  metadata = {
    block-project-ssh-keys = "true"
    enable-oslogin         = "TRUE"
    user-data = templatefile("${path.module}/cloud-init.yaml.tftpl", {
      project_id = var.project_id
      image      = var.image
      worker_key = each.value.worker_key
      host_key   = var.host_key
      scripts    = { for name in fileset("${path.module}/scripts", "*.sh") : name => file("${path.module}/scripts/${name}") }
      environment = merge(
        {
          CONCOURSE_TSA_HOST                      = "${var.address}:2222"
          CONCOURSE_TSA_PUBLIC_KEY                = "/keys/host_key.pub"
          CONCOURSE_TSA_WORKER_PRIVATE_KEY        = "/keys/worker_key"
          CONCOURSE_WORK_DIR                      = "/worker-state"
          CONCOURSE_RUNTIME                       = "containerd"
          CONCOURSE_BAGGAGECLAIM_DRIVER           = "overlay"
          CONCOURSE_EPHEMERAL                     = "true"
          CONCOURSE_CONTAINERD_DNS_PROXY_ENABLE   = "true"
          CONCOURSE_CONTAINERD_RESTRICTED_NETWORK = join(",", local.restricted_networks[each.key])
        },
        each.key == local.untagged ? {} : { CONCOURSE_TAG = each.key },
      )
    })
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "this" {
  for_each = var.pools

  project            = var.project_id
  region             = var.region
  name               = "concourse-workers${local.suffixes[each.key]}"
  base_instance_name = "concourse-worker${local.suffixes[each.key]}"
  target_size        = each.value.count

  version {
    instance_template = google_compute_instance_template.this[each.key].id
  }

  update_policy {
    type           = "PROACTIVE"
    minimal_action = "REPLACE"
    # Never below the number of zones, and no region has more than four.
    max_surge_fixed                = 4
    max_unavailable_fixed          = 0
    instance_redistribution_type   = "PROACTIVE"
    most_disruptive_allowed_action = "REPLACE"
  }
}
