mock_provider "google" {}

variables {
  project_id = "roster-test"
  domain     = "example.com"
  hosts = {
    service    = "service.example.com"
    sonarqube  = "sonarqube.example.com"
    concourse  = "concourse.example.com"
    prometheus = "prometheus.example.com"
  }
  address = "203.0.113.10"
  authorizations = {
    service = { name = "_acme-challenge.service.example.com.", type = "CNAME", data = "abc.authorize.certificatemanager.goog." }
  }
}

run "four_records_point_at_the_gateway" {
  command = plan

  assert {
    condition     = { for key, record in google_dns_record_set.hosts : key => record.name } == { service = "service.example.com.", sonarqube = "sonarqube.example.com.", concourse = "concourse.example.com.", prometheus = "prometheus.example.com." }
    error_message = "a host has no record"
  }
  assert {
    condition     = alltrue([for record in google_dns_record_set.hosts : record.type == "A" && record.rrdatas == tolist(["203.0.113.10"])])
    error_message = "a record does not point at the gateway"
  }
}

run "zone_is_signed" {
  command = plan

  assert {
    condition     = google_dns_managed_zone.this[0].dnssec_config[0].state == "on"
    error_message = "DNSSEC is off"
  }
  assert {
    condition     = toset([for spec in google_dns_managed_zone.this[0].dnssec_config[0].default_key_specs : spec.algorithm]) == toset(["ecdsap256sha256"])
    error_message = "the zone is signed with an old algorithm"
  }
}

run "registrar_can_be_told_of_the_signature" {
  command = apply
  override_data {
    target = data.google_dns_keys.this[0]
    values = { key_signing_keys = [{ ds_record = "5116 13 2 aa" }] }
  }

  assert {
    condition     = output.ds_record == "5116 13 2 aa"
    error_message = "the DS record is not an output; without it no resolver checks the signatures"
  }
}

run "one_authority_may_issue" {
  command = plan

  assert {
    condition     = toset(google_dns_record_set.caa["domain"].rrdatas) == toset(["0 issue \"pki.goog\"", "0 issuewild \";\""]) && google_dns_record_set.caa["domain"].type == "CAA" && google_dns_record_set.caa["domain"].name == "example.com."
    error_message = "another authority may issue certificates for the domain"
  }
}

run "proofs_for_the_certificate_are_published" {
  command = plan

  assert {
    condition     = google_dns_record_set.authorizations["service"].type == "CNAME" && google_dns_record_set.authorizations["service"].rrdatas == tolist(["abc.authorize.certificatemanager.goog."])
    error_message = "the certificate could not be issued"
  }
}

run "uses_a_zone_that_exists" {
  command = plan
  variables {
    existing_zone = "company-zone"
  }

  assert {
    condition     = length(google_dns_managed_zone.this) == 0 && alltrue([for record in google_dns_record_set.hosts : record.managed_zone == "company-zone"])
    error_message = "a second zone for the domain would be made"
  }
  assert {
    condition     = toset([for record in google_dns_record_set.caa : record.name]) == toset(["service.example.com.", "sonarqube.example.com.", "concourse.example.com.", "prometheus.example.com."])
    error_message = "names that are not ours would be forbidden their certificates, or ours are not protected"
  }
}

run "refuses_a_domain_with_a_final_dot" {
  command = plan
  variables {
    domain = "example.com."
    hosts  = {}
  }
  expect_failures = [var.domain]
}

run "refuses_a_host_outside_the_domain" {
  command = plan
  variables {
    hosts = { service = "service.example.org" }
  }
  expect_failures = [var.hosts]
}

run "refuses_to_forbid_every_authority" {
  command = plan
  variables {
    certificate_authorities = []
  }
  expect_failures = [var.certificate_authorities]
}
