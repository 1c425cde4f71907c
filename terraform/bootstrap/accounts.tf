# Two accounts, so that the pipeline that delivers every commit cannot change the infrastructure.
resource "google_service_account" "infrastructure" {
  project      = module.project_services.project_id
  account_id   = "roster-infrastructure"
  display_name = "Applies the environments' Terraform"
}

resource "google_service_account" "delivery" {
  project      = module.project_services.project_id
  account_id   = "roster-delivery"
  display_name = "Pushes images and deploys"
}

locals {
  # One administrator role for each kind of resource in the environments; none for the project as a whole.
  infrastructure_roles = toset([
    "roles/artifactregistry.admin",
    "roles/binaryauthorization.policyEditor",
    "roles/certificatemanager.owner",
    "roles/cloudkms.admin",
    "roles/cloudsql.admin",
    "roles/compute.instanceAdmin.v1",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/container.admin",
    "roles/dns.admin",
    "roles/iam.serviceAccountAdmin",
    # Attaches their accounts to nodes and machines.
    "roles/iam.serviceAccountUser",
    "roles/iap.admin",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
  ])

  # Roles that it may grant: those that the modules grant, so that it cannot make itself owner.
  grantable_roles = [
    "roles/cloudsql.client",
    "roles/cloudsql.instanceUser",
    "roles/container.clusterViewer",
    "roles/container.defaultNodeServiceAccount",
    "roles/monitoring.viewer",
  ]
}

resource "google_project_iam_member" "infrastructure" {
  #checkov:skip=CKV_GCP_41:It attaches accounts to nodes and machines; those accounts do not exist yet when this role is granted, and it creates all of them.
  #checkov:skip=CKV_GCP_49:It creates the accounts of nodes and pods; the roles that these can have are limited to grantable_roles.
  for_each = local.infrastructure_roles

  project = module.project_services.project_id
  role    = each.value
  member  = google_service_account.infrastructure.member
}

resource "google_project_iam_member" "infrastructure_grants" {
  project = module.project_services.project_id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.infrastructure.member

  condition {
    title       = "only the modules' roles"
    description = "Grants and revokes the roles that the Terraform modules name, no others."
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in local.grantable_roles : "'${role}'"])}])"
  }
}

# cosign asks Google for a token that names this account, and signs images by it: there is no signing key.
resource "google_service_account_iam_member" "delivery_signs" {
  service_account_id = google_service_account.delivery.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.delivery.member
}
