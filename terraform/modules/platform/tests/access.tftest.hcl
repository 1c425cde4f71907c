mock_provider "google" {}
mock_provider "helm" {}
mock_provider "kubernetes" {}

variables {
  project = { id = "roster-test", number = "123456789012" }
  hosts = {
    service    = "service.example.com"
    sonarqube  = "sonarqube.example.com"
    concourse  = "concourse.example.com"
    prometheus = "prometheus.example.com"
  }
  cluster_mode = "standard"
  gateway = {
    address_name    = "roster-gateway"
    certificate_map = "roster"
    ssl_policy      = "roster-gateway"
    security_policy = "roster-gateway"
  }
  admins           = ["group:admins@example.com"]
  delivery_account = "roster-delivery@roster-test.iam.gserviceaccount.com"
  database = {
    private_address = "10.40.0.3"
    port            = 5432
    connection_name = "roster-test:europe-west1:roster"
    service_user    = "roster-service@roster-test.iam"
  }
  tool_databases = {
    concourse = { private_address = "10.40.0.4", port = 5432 }
    sonarqube = { private_address = "10.40.0.5", port = 5432 }
  }
  concourse = {
    restricted_networks = { default = ["10.40.0.0/20"], pull-request = ["10.0.0.0/8"] }
  }
  secrets = {
    concourse-database-password       = "concourse-database-password"
    concourse-admin-password          = "concourse-admin-password"
    concourse-encryption-key          = "concourse-encryption-key"
    concourse-session-key             = "concourse-session-key"
    concourse-host-key                = "concourse-host-key"
    concourse-worker-key              = "concourse-worker-key"
    concourse-pull-request-worker-key = "concourse-pull-request-worker-key"
    sonarqube-database-password       = "sonarqube-database-password"
    sonarqube-monitoring-passcode     = "sonarqube-monitoring-passcode"
    roster-owner-password             = "roster-owner-password"
    roster-token-key                  = "roster-token-key"
  }
  external_secrets_account = "external-secrets@roster-test.iam.gserviceaccount.com"
  prometheus               = { rules_directory = "tests/rules" }
}

run "who_deploys_acts_in_one_namespace" {
  command = plan

  assert {
    condition     = kubernetes_role_v1.deployer.metadata[0].namespace == "roster" && kubernetes_role_binding_v1.deployer.metadata[0].namespace == "roster" && one(kubernetes_role_binding_v1.deployer.role_ref).kind == "Role"
    error_message = "the deployer acts in another namespace, or in all"
  }
  assert {
    condition     = [for subject in kubernetes_role_binding_v1.deployer.subject : "${subject.kind} ${subject.name}"] == ["User roster-delivery@roster-test.iam.gserviceaccount.com"]
    error_message = "somebody else deploys"
  }
  assert {
    condition     = length(setintersection(flatten(kubernetes_role_v1.deployer.rule[*].resources), ["*", "pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "roles", "rolebindings", "serviceaccounts/token"])) == 0 && !contains(flatten([for rule in kubernetes_role_v1.deployer.rule : concat(tolist(rule.verbs), tolist(rule.api_groups))]), "*")
    error_message = "the deployer executes in pods, or gives itself more"
  }
  assert {
    condition     = alltrue([for resource in ["deployments", "jobs", "secrets", "services"] : anytrue([for rule in kubernetes_role_v1.deployer.rule : contains(rule.resources, resource) && length(setsubtract(["get", "list", "watch", "create", "update", "patch", "delete"], rule.verbs)) == 0])])
    error_message = "Helm could not install the release, or could not wait for it"
  }
}

run "refuses_a_person_to_deploy" {
  command = plan
  variables {
    delivery_account = "ada@example.com"
  }
  expect_failures = [var.delivery_account]
}

run "tools_are_behind_the_proxy" {
  command = plan

  assert {
    condition     = keys(yamldecode(helm_release.routes.values[0]).tools) == ["concourse", "prometheus", "sonarqube"]
    error_message = "a tool has no route"
  }
  assert {
    condition     = [for member in google_iap_web_iam_member.admins : "${member.role} ${member.member}"] == ["roles/iap.httpsResourceAccessor group:admins@example.com"]
    error_message = "somebody else passes the proxy"
  }
}

run "routes_join_from_known_namespaces" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.routes.values[0]).routeGroups == ["concourse", "gateway", "monitoring", "roster", "sonarqube"]
    error_message = "any namespace could take over a host"
  }
  assert {
    condition     = kubernetes_namespace_v1.this["roster"].metadata[0].labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "the service's pods may do more than they need"
  }
}

run "ingress_brings_cert_manager" {
  command = plan
  variables {
    gateway = null
    ingress = { class = "traefik", email = "ops@example.com" }
  }

  assert {
    condition     = length(helm_release.cert_manager) == 1 && length(google_iap_web_iam_member.admins) == 0
    error_message = "nobody would get the certificates"
  }
}

run "an_ingress_shows_no_build_logs_without_a_login" {
  command = plan
  variables {
    gateway = null
    ingress = { class = "traefik", email = "ops@example.com" }
  }

  assert {
    condition     = yamldecode(helm_release.routes.values[0]).ingress.login_annotations == {}
    error_message = "a login is assumed that nobody configured"
  }
  assert {
    condition     = strcontains(file("${helm_release.routes.chart}/templates/ingress.yaml"), "{{- if or (eq $name \"sonarqube\") $.Values.ingress.login_annotations }}\n---\n") && length(regexall("kind: Ingress\n", file("${helm_release.routes.chart}/templates/ingress.yaml"))) == 1
    error_message = "Concourse's build logs, with production's plans, would be public"
  }
}

run "an_ingress_with_a_login_serves_every_tool" {
  command = plan
  variables {
    gateway = null
    ingress = { class = "traefik", email = "ops@example.com", login_annotations = { "traefik.ingress.kubernetes.io/router.middlewares" = "auth-login@kubernetescrd" } }
  }

  assert {
    condition     = yamldecode(helm_release.routes.values[0]).ingress.login_annotations == { "traefik.ingress.kubernetes.io/router.middlewares" = "auth-login@kubernetescrd" }
    error_message = "the controller would not ask for a login"
  }
}

run "only_the_issuers_keys_bypass_the_proxy" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.routes.values[0]).discoveryPaths == ["/.well-known/openid-configuration", "/.well-known/jwks.json"]
    error_message = "another path of Concourse can be read without a login, or Google cannot read the issuer's keys"
  }
  assert {
    condition     = strcontains(file("${helm_release.routes.chart}/templates/tools.yaml"), "- {method: GET, path: {type: Exact, value: {{ . }}}}")
    error_message = "what lies below those paths can be read, or something else than read"
  }
}

run "plain_http_serves_nothing_and_redirects_no_api_call" {
  command = plan

  assert {
    condition     = length(regexall("sectionName: http\\}\n  hostnames:", file("${helm_release.routes.chart}/templates/gateway.yaml"))) == 2 && length(regexall("sectionName: http\\}", file("${helm_release.routes.chart}/templates/gateway.yaml"))) == 2
    error_message = "a token sent to the service in plain HTTP would be redirected, and never be noticed"
  }
  assert {
    condition     = flatten(regexall("value: (/[^}]*)\\}\\}", file("${helm_release.routes.chart}/templates/gateway.yaml"))) == ["/", "/docs"]
    error_message = "a path of the service's API is redirected"
  }
  assert {
    condition     = length(regexall("Strict-Transport-Security, value: \\{\\{ \\$\\.Values\\.strictTransportSecurity", file("${helm_release.routes.chart}/templates/tools.yaml"))) == 2 && yamldecode(file("${helm_release.routes.chart}/values.yaml")).strictTransportSecurity == "max-age=31536000"
    error_message = "browsers would try a tool in plain HTTP again"
  }
}

run "gateway_needs_no_cert_manager" {
  command = plan

  assert {
    condition     = length(helm_release.cert_manager) == 0
    error_message = "cert-manager is installed for nothing"
  }
}

run "refuses_two_ways_in" {
  command = plan
  variables {
    ingress = { class = "traefik", email = "ops@example.com" }
  }
  expect_failures = [var.ingress]
}

run "refuses_everybody_as_admin" {
  command = plan
  variables {
    admins = ["allUsers"]
  }
  expect_failures = [var.admins]
}

run "refuses_no_admin" {
  command = plan
  variables {
    admins = []
  }
  expect_failures = [var.admins]
}

run "the_proxy_may_have_a_client_of_ones_own" {
  command = plan
  variables {
    identity_proxy = { client_id = "123456789012-abc.apps.googleusercontent.com", secret = "proxy-client" }
  }

  assert {
    condition     = yamldecode(helm_release.routes.values[0]).identityProxy.client_id == "123456789012-abc.apps.googleusercontent.com" && yamldecode(helm_release.secrets.values[0]).identityProxy.secret == "proxy-client"
    error_message = "people outside of the organization would not be let in"
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.identity_proxy[0].role == "roles/secretmanager.secretAccessor" && google_secret_manager_secret_iam_member.identity_proxy[0].secret_id == "proxy-client"
    error_message = "the client's secret cannot be read, or more than that"
  }
}

run "refuses_a_secret_for_a_client" {
  command = plan
  variables {
    identity_proxy = { client_id = "GOCSPX-abc", secret = "proxy-client" }
  }
  expect_failures = [var.identity_proxy]
}
