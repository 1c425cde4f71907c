locals {
  database_flags = {
    # IAM first: the service has no password that could leak.
    "cloudsql.iam_authentication" = "on"
    "cloudsql.enable_pgaudit"     = "on"
    "max_connections"             = tostring(var.instance.max_connections)
    "log_checkpoints"             = "on"
    "log_connections"             = "on"
    "log_disconnections"          = "on"
    "log_duration"                = "off"
    "log_hostname"                = "off"
    "log_lock_waits"              = "on"
    "log_min_error_statement"     = "error"
    "log_min_messages"            = "warning"
    "log_statement"               = "ddl"
    "log_temp_files"              = "0"
    # Statements contain names and e-mail addresses: even slow ones are not logged.
    "log_min_duration_statement" = "-1"
  }
}

resource "google_sql_database_instance" "this" {
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
  project          = var.project_id
  region           = var.region
  name             = var.name
  database_version = var.instance.version

  settings {
    tier                        = var.instance.tier
    edition                     = "ENTERPRISE"
    availability_type           = var.instance.highly_available ? "REGIONAL" : "ZONAL"
    deletion_protection_enabled = var.deletion_protection
    # Backups outlive the instance, in case both protections were removed by mistake.
    retain_backups_on_delete = true
    user_labels              = var.labels

    disk_type             = "PD_SSD"
    disk_size             = var.instance.disk_gib
    disk_autoresize       = true
    disk_autoresize_limit = var.instance.disk_limit_gib

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network_id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = var.backups.start_time
      location                       = var.region
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = var.backups.log_days

      backup_retention_settings {
        retained_backups = var.backups.retained
        retention_unit   = "COUNT"
      }
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      query_plans_per_minute  = 5
      query_string_length     = 1024
      record_application_tags = true
      record_client_address   = false
    }

    password_validation_policy {
      enable_password_policy      = true
      complexity                  = "COMPLEXITY_DEFAULT"
      min_length                  = 24
      disallow_username_substring = true
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
    # The disk grows by itself and cannot shrink.
    ignore_changes = [settings[0].disk_size]
  }
}

resource "google_sql_database" "this" {
  for_each = var.databases

  project  = var.project_id
  instance = google_sql_database_instance.this.name
  name     = each.value
}
