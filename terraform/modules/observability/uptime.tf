# From outside, over HTTPS: one request checks DNS, certificate, gateway and service.
resource "google_monitoring_uptime_check_config" "hosts" {
  for_each = var.hosts

  project      = var.project.id
  display_name = "${var.environment}: ${each.value}"
  timeout      = "10s"
  period       = "60s"

  http_check {
    path         = "/"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    # The tools answer with the Identity-Aware Proxy's redirect to a login.
    dynamic "accepted_response_status_codes" {
      for_each = each.key == "service" ? ["STATUS_CLASS_2XX"] : ["STATUS_CLASS_2XX", "STATUS_CLASS_3XX"]
      content {
        status_class = accepted_response_status_codes.value
      }
    }
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project.id, host = each.value }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.notification_emails

  project      = var.project.id
  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_monitoring_alert_policy" "uptime" {
  for_each = var.hosts

  project      = var.project.id
  display_name = "${var.environment}: ${each.value} does not answer"
  combiner     = "OR"
  severity     = each.key == "service" ? "CRITICAL" : "WARNING"

  conditions {
    display_name = "fails from two places for five minutes"

    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.hosts[each.key].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"

      aggregations {
        alignment_period     = "120s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }

      trigger {
        count = 1
      }
    }
  }

  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  documentation {
    mime_type = "text/markdown"
    content   = "https://${each.value}/ failed from at least two places for five minutes. Ask it yourself, then the Gateway, then the pods: `cargo xtask status --env ${var.environment}`."
  }
}
