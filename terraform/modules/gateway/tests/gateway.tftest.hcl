mock_provider "google" {
  mock_resource "google_certificate_manager_certificate" {
    defaults = {
      id = "projects/roster-test/locations/global/certificates/roster"
    }
  }
}

variables {
  project_id = "roster-test"
  hosts = {
    service    = "service.example.com"
    sonarqube  = "sonarqube.example.com"
    concourse  = "concourse.example.com"
    prometheus = "prometheus.example.com"
  }
}

run "certificate_covers_every_host" {
  command = apply

  assert {
    condition     = toset(google_certificate_manager_certificate.this.managed[0].domains) == toset(values(var.hosts))
    error_message = "a host is missing in the certificate"
  }
  assert {
    condition     = length(google_certificate_manager_certificate.this.managed[0].dns_authorizations) == length(var.hosts)
    error_message = "a host is not proven by DNS"
  }
  assert {
    condition     = tomap({ for key, entry in google_certificate_manager_certificate_map_entry.this : key => entry.hostname }) == var.hosts
    error_message = "a host is missing in the certificate map"
  }
  assert {
    condition     = alltrue([for entry in google_certificate_manager_certificate_map_entry.this : entry.certificates == tolist(["projects/roster-test/locations/global/certificates/roster"])])
    error_message = "a host is served with another certificate"
  }
}

# The names of the four hosts' parts; another host gives others.
run "a_successor_is_made_beside_its_predecessor" {
  command = plan
  variables {
    hosts = { service = "service.example.com" }
  }

  assert {
    condition     = google_certificate_manager_certificate.this.name == "roster-${substr(sha256("service.example.com"), 0, 8)}"
    error_message = "a certificate for other hosts would have the name of the one that still serves"
  }
  assert {
    condition     = google_certificate_manager_dns_authorization.this["service"].name == "roster-service-${substr(sha256("service.example.com"), 0, 8)}"
    error_message = "an authorization of another domain would have the name of the one before"
  }
}

run "speaks_tls_1_2_at_least" {
  command = plan

  assert {
    condition     = google_compute_ssl_policy.this.min_tls_version == "TLS_1_2" && google_compute_ssl_policy.this.profile == "RESTRICTED"
    error_message = "the gateway accepts an old TLS version or weak ciphers"
  }
}

run "address_is_static_and_public" {
  command = plan

  assert {
    condition     = google_compute_global_address.this.address_type == "EXTERNAL"
    error_message = "nobody on the internet would reach the gateway"
  }
}

run "clients_are_rate_limited" {
  command = plan

  assert {
    condition = anytrue([for rule in google_compute_security_policy.this.rule :
      rule.action == "rate_based_ban" && try(rule.rate_limit_options[0].enforce_on_key == "IP" && rule.rate_limit_options[0].rate_limit_threshold[0].count == 6000, false)
    ])
    error_message = "a single client may send without limit"
  }
  assert {
    condition     = [for rule in google_compute_security_policy.this.rule : rule.action if rule.priority == 2147483647] == ["allow"]
    error_message = "the last rule is missing"
  }
  assert {
    condition     = google_compute_security_policy.this.adaptive_protection_config[0].layer_7_ddos_defense_config[0].enable
    error_message = "adaptive protection is off"
  }
}

run "known_attacks_are_refused" {
  command = plan

  assert {
    condition     = length([for rule in google_compute_security_policy.this.rule : rule if rule.action == "deny(403)"]) == 5
    error_message = "a preconfigured rule set is missing"
  }
}

run "refuses_a_url_as_host" {
  command = plan
  variables {
    hosts = { service = "https://service.example.com" }
  }
  expect_failures = [var.hosts]
}

run "refuses_no_host" {
  command = plan
  variables {
    hosts = {}
  }
  expect_failures = [var.hosts]
}

run "refuses_an_interval_cloud_armor_has_not" {
  command = plan
  variables {
    rate_limit = { interval_seconds = 45 }
  }
  expect_failures = [var.rate_limit]
}

run "refuses_a_ban_below_the_limit" {
  command = plan
  variables {
    rate_limit = { ban_requests = 100 }
  }
  expect_failures = [var.rate_limit]
}
