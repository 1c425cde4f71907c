resource "google_compute_security_policy" "this" {
  #checkov:skip=CKV_GCP_73:The rule at priority 1900 does it; the check knows only the older function's name.
  project     = var.project_id
  name        = "${var.name}-gateway"
  description = "Rate limits and request filters in front of the hosts of ${var.name}."
  type        = "CLOUD_ARMOR"

  adaptive_protection_config {
    layer_7_ddos_defense_config {
      enable = true
    }
  }

  advanced_options_config {
    json_parsing = "STANDARD"
    log_level    = "NORMAL"
  }

  dynamic "rule" {
    for_each = { for index, set in sort(tolist(var.waf_rules)) : set => 1000 + index }
    content {
      action      = "deny(403)"
      priority    = rule.value
      description = "Preconfigured rules: ${rule.key}"
      match {
        expr {
          # Sensitivity 1 has the fewest false positives.
          expression = "evaluatePreconfiguredWaf('${rule.key}', {'sensitivity': 1})"
        }
      }
    }
  }

  # Log4j's lookup strings, which some software behind a shared gateway may still resolve.
  rule {
    action      = "deny(403)"
    priority    = 1900
    description = "Preconfigured rules: cve-canary"
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary', {'sensitivity': 1})"
      }
    }
  }

  rule {
    action      = "rate_based_ban"
    priority    = 2000
    description = "Slows a client address down, then shuts it out."
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      enforce_on_key   = "IP"
      conform_action   = "allow"
      exceed_action    = "deny(429)"
      ban_duration_sec = var.rate_limit.ban_seconds
      rate_limit_threshold {
        count        = var.rate_limit.requests
        interval_sec = var.rate_limit.interval_seconds
      }
      ban_threshold {
        count        = var.rate_limit.ban_requests
        interval_sec = var.rate_limit.interval_seconds
      }
    }
  }

  # Required by Google as the last rule.
  rule {
    action      = "allow"
    priority    = 2147483647
    description = "Allows what no rule above refused."
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
