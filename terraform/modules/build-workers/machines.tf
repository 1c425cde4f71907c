resource "google_compute_instance_template" "this" {
  project      = var.project_id
  region       = var.region
  name_prefix  = "concourse-worker-"
  machine_type = var.machines.type
  labels       = var.labels

  disk {
    source_image = "projects/cos-cloud/global/images/family/cos-stable"
    disk_size_gb = var.machines.disk_gib
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
    email  = google_service_account.this.email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
  }

  scheduling {
    preemptible                 = var.machines.spot
    provisioning_model          = var.machines.spot ? "SPOT" : "STANDARD"
    automatic_restart           = !var.machines.spot
    on_host_maintenance         = var.machines.spot ? "TERMINATE" : "MIGRATE"
    instance_termination_action = var.machines.spot ? "DELETE" : null
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
      address    = var.address
      worker_key = var.secrets.worker_key
      host_key   = var.secrets.host_key
    })
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "this" {
  project            = var.project_id
  region             = var.region
  name               = "concourse-workers"
  base_instance_name = "concourse-worker"
  target_size        = var.machines.count

  version {
    instance_template = google_compute_instance_template.this.id
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
