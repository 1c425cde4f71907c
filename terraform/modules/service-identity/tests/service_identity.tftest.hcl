mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/roster-test/serviceAccounts/roster-service@roster-test.iam.gserviceaccount.com"
      email  = "roster-service@roster-test.iam.gserviceaccount.com"
      member = "serviceAccount:roster-service@roster-test.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id  = "roster-test"
  name        = "roster-service"
  description = "The service."
  roles       = ["roles/cloudsql.client"]
  workload = {
    pool            = "roster-test.svc.id.goog"
    namespace       = "roster"
    service_account = "roster"
  }
}

run "one_workload_becomes_the_account" {
  command = apply

  assert {
    condition     = google_service_account_iam_member.workload[0].member == "serviceAccount:roster-test.svc.id.goog[roster/roster]" && google_service_account_iam_member.workload[0].role == "roles/iam.workloadIdentityUser"
    error_message = "another pod could take this identity"
  }
}

run "has_the_roles_named_and_no_other" {
  command = apply

  assert {
    condition     = { for role, member in google_project_iam_member.this : role => member.member } == { "roles/cloudsql.client" = "serviceAccount:roster-service@roster-test.iam.gserviceaccount.com" }
    error_message = "the account has other roles than those named"
  }
}

run "refuses_a_primitive_role" {
  command = plan
  variables {
    roles = ["roles/editor"]
  }
  expect_failures = [var.roles]
}

run "refuses_a_role_in_short" {
  command = plan
  variables {
    roles = ["cloudsql.client"]
  }
  expect_failures = [var.roles]
}

run "refuses_a_name_google_would" {
  command = plan
  variables {
    name = "Roster"
  }
  expect_failures = [var.name]
}

run "refuses_a_pool_that_is_none" {
  command = plan
  variables {
    workload = { pool = "roster-test", namespace = "roster", service_account = "roster" }
  }
  expect_failures = [var.workload]
}
