mock_provider "google" {
  mock_resource "google_monitoring_notification_channel" {
    defaults = {
      id = "projects/roster-test/notificationChannels/1"
    }
  }
}

variables {
  project             = { id = "roster-test", number = "123456789012" }
  environment         = "dev"
  hosts               = { service = "service.example.com", concourse = "concourse.example.com" }
  notification_emails = ["ops@example.com"]
}

run "every_host_is_asked_over_https" {
  command = apply

  assert {
    condition     = alltrue([for check in google_monitoring_uptime_check_config.hosts : check.http_check[0].use_ssl && check.http_check[0].validate_ssl && check.http_check[0].port == 443])
    error_message = "a host is asked in the clear, or with any certificate"
  }
  assert {
    condition     = [for code in google_monitoring_uptime_check_config.hosts["service"].http_check[0].accepted_response_status_codes : code.status_class] == ["STATUS_CLASS_2XX"]
    error_message = "an error page of the service would pass for an answer"
  }
}

run "somebody_is_told" {
  command = apply

  assert {
    condition     = alltrue([for policy in google_monitoring_alert_policy.uptime : length(policy.notification_channels) == 1])
    error_message = "an alert goes nowhere"
  }
  assert {
    condition     = google_monitoring_alert_policy.uptime["service"].severity == "CRITICAL"
    error_message = "an outage of the service is only a warning"
  }
}

run "budget_warns_before_it_is_used_up" {
  command = apply
  variables {
    budget = { billing_account = "0A1B2C-3D4E5F-6A7B8C", monthly_units = 500 }
  }

  assert {
    condition     = [for rule in google_billing_budget.this[0].threshold_rules : rule.threshold_percent] == [0.5, 0.9, 1, 1.1]
    error_message = "the budget warns too late"
  }
  assert {
    condition     = google_billing_budget.this[0].budget_filter[0].projects == toset(["projects/123456789012"])
    error_message = "the budget counts other projects"
  }
}

run "refuses_nobody_to_tell" {
  command = plan
  variables {
    notification_emails = []
  }
  expect_failures = [var.notification_emails]
}

run "refuses_what_is_no_billing_account" {
  command = plan
  variables {
    budget = { billing_account = "mine", monthly_units = 500 }
  }
  expect_failures = [var.budget]
}

run "refuses_to_forget_logs_at_once" {
  command = plan
  variables {
    log_retention_days = 1
  }
  expect_failures = [var.log_retention_days]
}
