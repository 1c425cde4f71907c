# Cheap: one zone, spot nodes, a small database without a standby. It may be down for minutes, and can be destroyed and created again.
module "stack" {
  source = "../../modules/stack"

  environment         = "dev"
  project             = var.project
  region              = var.region
  domain              = var.domain
  admins              = var.admins
  identity_proxy      = var.identity_proxy
  notification_emails = var.notification_emails
  delivery_account    = var.delivery_account
  ranges              = var.ranges
  budget              = var.budget
  password_version    = var.password_version
  deletion_protection = var.deletion_protection
  rules_directory     = "${path.root}/../../../prometheus/rules"

  cluster = {
    mode = "standard"
    zone = "${var.region}-b"
    node_pool = {
      machine_type = "e2-standard-4"
      min_nodes    = 1
      max_nodes    = 3
      spot         = true
    }
  }

  database = {
    tier             = "db-g1-small"
    disk_gib         = 10
    highly_available = false
    backups_retained = 7
  }

  # Logged here before production refuses it. The service's public image, for trying.
  image_policy = {
    repositories = ["docker.io/roster/**"]
    enforced     = false
  }

  build_workers = {
    count    = 1
    disk_gib = 30
  }
}
