mock_provider "google" {}

variables {
  project_id = "roster-test"
  region     = "europe-west1"
  network_id = "projects/roster-test/global/networks/roster"
  iam_users = {
    service = { service_account = "roster@roster-test.iam.gserviceaccount.com", database_roles = ["pg_read_all_data"] }
  }
  password_users = {
    concourse = { version = 3 }
  }
  passwords = {
    concourse = "never-in-a-plan"
  }
}

run "has_no_public_address" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "the database has a public address"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].private_network == "projects/roster-test/global/networks/roster"
    error_message = "the database is not in our network"
  }
  assert {
    condition     = length(google_sql_database_instance.this.settings[0].ip_configuration[0].authorized_networks) == 0
    error_message = "networks of the internet are authorized"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "the database accepts unencrypted connections"
  }
}

run "any_moment_can_be_restored" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].enabled && google_sql_database_instance.this.settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "backups or point-in-time recovery are off"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].transaction_log_retention_days == 7
    error_message = "the transaction log is kept for less than seven days"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].backup_retention_settings[0].retained_backups == 14
    error_message = "fewer than fourteen backups are kept"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].retain_backups_on_delete
    error_message = "backups go with the instance"
  }
}

run "is_protected_from_deletion_twice" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.deletion_protection && google_sql_database_instance.this.settings[0].deletion_protection_enabled
    error_message = "Terraform or Google would delete the database without being asked twice"
  }
}

run "survives_a_zone" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.settings[0].availability_type == "REGIONAL"
    error_message = "there is no standby"
  }
}

run "iam_comes_first" {
  command = plan

  assert {
    condition     = { for flag in google_sql_database_instance.this.settings[0].database_flags : flag.name => flag.value }["cloudsql.iam_authentication"] == "on"
    error_message = "IAM authentication is off"
  }
  assert {
    condition     = google_sql_user.iam["service"].type == "CLOUD_IAM_SERVICE_ACCOUNT" && google_sql_user.iam["service"].name == "roster@roster-test.iam"
    error_message = "the service does not log in with IAM"
  }
  assert {
    condition     = google_sql_user.iam["service"].password == null && google_sql_user.iam["service"].password_wo_version == null
    error_message = "an IAM user has a password"
  }
  assert {
    condition     = !contains(flatten([for user in google_sql_user.iam : user.database_roles]), "cloudsqlsuperuser")
    error_message = "the service is a superuser"
  }
}

run "passwords_are_write_only" {
  command = plan

  assert {
    condition     = google_sql_user.password["concourse"].password == null
    error_message = "a password is in plan and state"
  }
  assert {
    condition     = google_sql_user.password["concourse"].password_wo_version == 3
    error_message = "a new version would not set a new password"
  }
}

# Every flag with its value: the policy scan gives no verdict on flags that a dynamic block makes.
run "logs_what_an_audit_needs_and_no_statement_with_data" {
  command = plan
  variables {
    read_replica = {}
  }

  assert {
    condition = { for flag in google_sql_database_instance.this.settings[0].database_flags : flag.name => flag.value } == {
      "cloudsql.enable_pgaudit"     = "on"
      "cloudsql.iam_authentication" = "on"
      "log_checkpoints"             = "on"
      "log_connections"             = "on"
      "log_disconnections"          = "on"
      "log_duration"                = "off"
      "log_hostname"                = "off"
      "log_lock_waits"              = "on"
      "log_min_duration_statement"  = "-1"
      "log_min_error_statement"     = "error"
      "log_min_messages"            = "warning"
      "log_statement"               = "ddl"
      "log_temp_files"              = "0"
      "max_connections"             = "200"
    }
    error_message = "a flag is missing, added or changed: connections, lock waits, audit, or statements with names and addresses in the log"
  }
  assert {
    condition     = google_sql_database_instance.replica[0].settings[0].database_flags == google_sql_database_instance.this.settings[0].database_flags
    error_message = "the replica logs otherwise than the primary"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].insights_config[0].query_insights_enabled && google_sql_database_instance.this.settings[0].insights_config[0].record_client_address == false
    error_message = "query insights are off, or keep clients' addresses"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].password_validation_policy[0].enable_password_policy && google_sql_database_instance.this.settings[0].password_validation_policy[0].min_length == 24
    error_message = "weak passwords are accepted"
  }
}

run "replica_is_as_private_as_the_primary" {
  command = plan
  variables {
    read_replica = {}
  }

  assert {
    condition     = google_sql_database_instance.replica[0].settings[0].ip_configuration[0].ipv4_enabled == false && google_sql_database_instance.replica[0].settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "the replica is reachable from outside, or accepts unencrypted connections"
  }
  assert {
    condition     = google_sql_database_instance.replica[0].master_instance_name == google_sql_database_instance.this.name
    error_message = "the replica follows another instance"
  }
}

run "there_is_no_replica_unless_asked_for" {
  command = plan

  assert {
    condition     = length(google_sql_database_instance.replica) == 0
    error_message = "a replica costs money that nobody asked to spend"
  }
}

run "refuses_an_old_postgresql" {
  command = plan
  variables {
    instance = { version = "POSTGRES_13" }
  }
  expect_failures = [var.instance]
}

run "refuses_a_tier_that_does_not_exist" {
  command = plan
  variables {
    instance = { tier = "db-n1-standard-1" }
  }
  expect_failures = [var.instance]
}

run "refuses_a_standby_of_a_shared_core" {
  command = plan
  variables {
    instance = { tier = "db-g1-small" }
  }
  expect_failures = [var.instance]
}

run "refuses_a_disk_that_starts_above_its_limit" {
  command = plan
  variables {
    instance = { disk_gib = 500 }
  }
  expect_failures = [var.instance]
}

run "refuses_logs_older_than_the_backups" {
  command = plan
  variables {
    backups = { retained = 3 }
  }
  expect_failures = [var.backups]
}

run "refuses_a_malformed_time" {
  command = plan
  variables {
    backups = { start_time = "2am" }
  }
  expect_failures = [var.backups]
}

run "refuses_a_person_as_service_account" {
  command = plan
  variables {
    iam_users = { service = { service_account = "ada@example.com" } }
  }
  expect_failures = [var.iam_users]
}

run "refuses_a_name_postgresql_would_quote" {
  command = plan
  variables {
    password_users = { "Concourse CI" = {} }
  }
  expect_failures = [var.password_users]
}
