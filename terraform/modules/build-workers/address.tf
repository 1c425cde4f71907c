resource "google_compute_address" "worker_gateway" {
  project      = var.project_id
  region       = var.region
  name         = "concourse-worker-gateway"
  subnetwork   = var.subnetwork_id
  address_type = "INTERNAL"
  purpose      = "SHARED_LOADBALANCER_VIP"
  address      = var.address
  labels       = var.labels
}
