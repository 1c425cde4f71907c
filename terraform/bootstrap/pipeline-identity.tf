# Concourse signs a token for each build; Google accepts it for the two accounts. There is no key to lose.
resource "google_iam_workload_identity_pool" "pipelines" {
  count = var.concourse == null ? 0 : 1

  project                   = module.project_services.project_id
  workload_identity_pool_id = "pipelines"
  display_name              = "Concourse pipelines"
}

resource "google_iam_workload_identity_pool_provider" "concourse" {
  count = var.concourse == null ? 0 : 1

  project                            = module.project_services.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.pipelines[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "concourse"
  display_name                       = "Concourse"

  attribute_mapping = {
    "google.subject"     = "assertion.sub"
    "attribute.team"     = "assertion.team"
    "attribute.pipeline" = "assertion.pipeline"
  }

  # Of this team alone; a Concourse can have others.
  attribute_condition = "assertion.team == '${var.concourse.team}' && assertion.pipeline in ['infrastructure', 'master']"

  oidc {
    issuer_uri        = var.concourse.url
    allowed_audiences = ["sts.googleapis.com"]
    jwks_json         = var.concourse.jwks_json
  }
}

resource "google_service_account_iam_member" "infrastructure_pipeline" {
  count = var.concourse == null ? 0 : 1

  service_account_id = google_service_account.infrastructure.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.pipelines[0].name}/attribute.pipeline/infrastructure"
}

resource "google_service_account_iam_member" "master_pipeline" {
  count = var.concourse == null ? 0 : 1

  service_account_id = google_service_account.delivery.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.pipelines[0].name}/attribute.pipeline/master"
}
