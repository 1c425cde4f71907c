# Survives a zone: Autopilot in three zones, a database with a standby, builds on machines of their own.
module "stack" {
  source = "../../modules/stack"

  environment         = "production"
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
    mode            = "autopilot"
    release_channel = "STABLE"
  }

  database = {
    tier             = "db-custom-2-7680"
    disk_gib         = 50
    highly_available = true
    backups_retained = 30
  }

  # The pipelines push the service's image to Docker Hub (concourse/vars/roster.yml).
  image_policy = {
    repositories = ["docker.io/roster/**"]
  }

  build_workers = {
    count    = 1
    disk_gib = 100
  }
}
