# Before pools there was one group of machines: it is the pool "default".
moved {
  from = google_service_account.this
  to   = google_service_account.this["default"]
}

moved {
  from = google_compute_instance_template.this
  to   = google_compute_instance_template.this["default"]
}

moved {
  from = google_compute_region_instance_group_manager.this
  to   = google_compute_region_instance_group_manager.this["default"]
}

moved {
  from = google_secret_manager_secret_iam_member.keys["worker_key"]
  to   = google_secret_manager_secret_iam_member.keys["default/worker_key"]
}

moved {
  from = google_secret_manager_secret_iam_member.keys["host_key"]
  to   = google_secret_manager_secret_iam_member.keys["default/host_key"]
}
