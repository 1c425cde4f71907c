resource "google_sql_database_instance" "replica" {
  #checkov:skip=CKV_GCP_79:The version is chosen where the module is called: a new major version is an upgrade to plan, with its own tests.
  #checkov:skip=CKV_GCP_6:ssl_mode refuses what is not encrypted; client certificates, which the check wants too, would be a second key beside IAM or the password.
  #checkov:skip=CKV_GCP_51:The flags are made by a dynamic block, which checkov does not read; tests/database.tftest.hcl compares all of them.
  #checkov:skip=CKV_GCP_52:The flags are made by a dynamic block, which checkov does not read; tests/database.tftest.hcl compares all of them.
  #checkov:skip=CKV_GCP_53:The flags are made by a dynamic block, which checkov does not read; tests/database.tftest.hcl compares all of them.
  #checkov:skip=CKV_GCP_54:The flags are made by a dynamic block, which checkov does not read; tests/database.tftest.hcl compares all of them.
  #checkov:skip=CKV_GCP_110:The flags are made by a dynamic block, which checkov does not read; tests/database.tftest.hcl compares all of them.
  #checkov:skip=CKV_GCP_108:Host names would be looked up for each connection; addresses are logged.
  #checkov:skip=CKV_GCP_109:The flags are made by a dynamic block, which checkov does not read; tests/database.tftest.hcl compares all of them.
  #checkov:skip=CKV_GCP_111:DDL alone is logged: other statements would bring names and addresses into the log.
  #checkov:skip=CKV2_GCP_13:A line for each statement costs more than it explains.
  count = var.read_replica == null ? 0 : 1

  project              = var.project_id
  region               = var.region
  name                 = "${var.name}-replica"
  database_version     = var.instance.version
  master_instance_name = google_sql_database_instance.this.name

  settings {
    tier                        = var.read_replica.tier
    edition                     = "ENTERPRISE"
    availability_type           = "ZONAL"
    deletion_protection_enabled = var.deletion_protection
    user_labels                 = var.labels

    disk_type             = "PD_SSD"
    disk_size             = var.instance.disk_gib
    disk_autoresize       = true
    disk_autoresize_limit = var.instance.disk_limit_gib

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network_id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    insights_config {
      query_insights_enabled = true
    }

    dynamic "database_flags" {
      for_each = local.database_flags
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  deletion_protection = var.deletion_protection

  lifecycle {
    ignore_changes = [settings[0].disk_size]
  }
}
