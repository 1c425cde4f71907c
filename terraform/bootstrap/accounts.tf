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
  # One administrator role for each kind of thing the environments are made of; none for the project as a whole.
  infrastructure_roles = toset([
    "roles/artifactregistry.admin",
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
    # Nodes and machines are given their accounts by it.
    "roles/iam.serviceAccountUser",
    "roles/iap.admin",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
  ])

  # What it may give to others: the roles that the modules give, so that it cannot make itself owner.
  grantable_roles = [
    "roles/cloudsql.client",
    "roles/cloudsql.instanceUser",
    "roles/container.defaultNodeServiceAccount",
    "roles/container.developer",
    "roles/monitoring.viewer",
  ]
}

resource "google_project_iam_member" "infrastructure" {
  #checkov:skip=CKV_GCP_41:It gives nodes and machines their accounts, which do not exist yet when this role is given; all of them are made by it.
  #checkov:skip=CKV_GCP_49:It makes the accounts of nodes and pods and gives them to machines; what these may do is limited to grantable_roles.
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
    description = "Gives and takes the roles that the Terraform modules name, no others."
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in local.grantable_roles : "'${role}'"])}])"
  }
}
