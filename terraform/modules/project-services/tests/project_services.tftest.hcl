mock_provider "google" {}

variables {
  project_id = "roster-test"
}

run "switches_on_what_the_modules_call" {
  command = plan

  assert {
    condition = alltrue([for api in ["container", "binaryauthorization", "containersecurity", "sqladmin", "certificatemanager", "dns", "secretmanager", "servicenetworking", "iap", "billingbudgets"] :
    contains(keys(google_project_service.this), "${api}.googleapis.com")])
    error_message = "an API that a module needs is not switched on"
  }

  assert {
    condition     = alltrue([for service in google_project_service.this : service.project == "roster-test"])
    error_message = "an API is switched on in another project"
  }
}

run "leaves_apis_on_when_destroyed" {
  command = plan

  assert {
    condition     = alltrue([for service in google_project_service.this : service.disable_on_destroy == false && service.disable_dependent_services == false])
    error_message = "destroying an environment must not switch off APIs that others in the project use"
  }
}

run "refuses_a_short_name" {
  command = plan

  variables {
    services = ["container"]
  }

  expect_failures = [var.services]
}
