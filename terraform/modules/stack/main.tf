locals {
  hosts = {
    service    = "service.${var.domain.name}"
    sonarqube  = "sonarqube.${var.domain.name}"
    concourse  = "concourse.${var.domain.name}"
    prometheus = "prometheus.${var.domain.name}"
  }
  labels = {
    application = "roster"
    environment = var.environment
  }
  autopilot = var.cluster.mode == "autopilot"
  # Known before the machines and Concourse exist, high enough to stay clear of nodes.
  worker_address = try(cidrhost(var.ranges.nodes, -6), null)

  # The code of pull requests runs on workers of its own, which reach the internet and no private network.
  worker_pools = concat(["default"], var.build_workers.pull_request_count > 0 ? ["pull-request"] : [])
  worker_keys  = { default = "concourse-worker-key", pull-request = "concourse-pull-request-worker-key" }
  worker_restricted_networks = {
    default      = [var.ranges.services_access]
    pull-request = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]
  }
}

# Google never reuses the names of key rings, and those of database instances only after a week: an environment that is
# destroyed and created again gets other names.
resource "random_id" "generation" {
  byte_length = 3
}

module "project_services" {
  source     = "../project-services"
  project_id = var.project.id
}

module "network" {
  source     = "../network"
  project_id = module.project_services.project_id
  region     = var.region
  ranges     = var.ranges
}

module "cluster" {
  source             = "../cluster"
  name               = "roster-${var.environment}"
  key_ring_name      = "roster-${var.environment}-${random_id.generation.hex}"
  project            = { id = module.project_services.project_id, number = var.project.number }
  location           = coalesce(var.cluster.zone, var.region)
  mode               = var.cluster.mode
  release_channel    = var.cluster.release_channel
  node_pool          = var.cluster.node_pool
  managed_prometheus = var.prometheus_mode == "managed"
  network = {
    network        = module.network.network.id
    subnetwork     = module.network.subnetwork.id
    pods_range     = module.network.subnetwork.pods_range
    services_range = module.network.subnetwork.services_range
  }
  viewers             = ["serviceAccount:${var.delivery_account}"]
  image_policy        = { repositories = local.allowed_repositories, enforced = var.image_policy.enforced }
  deletion_protection = var.deletion_protection
  labels              = local.labels
}

module "image_registry" {
  source     = "../image-registry"
  project_id = module.project_services.project_id
  location   = var.region
  readers    = { nodes = module.cluster.nodes_service_account.member }
  writers    = { delivery = "serviceAccount:${var.delivery_account}" }
  labels     = local.labels
}

module "service_identity" {
  source      = "../service-identity"
  project_id  = module.project_services.project_id
  name        = "roster-service"
  description = "The pods of the service."
  roles       = ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]
  workload = {
    pool            = module.cluster.cluster.workload_pool
    namespace       = "roster"
    service_account = "roster"
  }
}

# It reads the secrets that name it as a reader, and has no role in the project.
module "external_secrets_identity" {
  source      = "../service-identity"
  project_id  = module.project_services.project_id
  name        = "external-secrets"
  description = "Copies secrets from Secret Manager into the cluster."
  workload = {
    pool            = module.cluster.cluster.workload_pool
    namespace       = "external-secrets"
    service_account = "external-secrets"
  }
}

locals {
  generated_secrets = {
    concourse-admin-password          = "password"
    concourse-database-password       = "password"
    concourse-encryption-key          = "password"
    concourse-host-key                = "key_pair"
    concourse-pull-request-worker-key = "key_pair"
    concourse-session-key             = "key_pair"
    concourse-worker-key              = "key_pair"
    roster-owner-password             = "password"
    roster-token-key                  = "signing_key"
    sonarqube-database-password       = "password"
    sonarqube-monitoring-passcode     = "password"
  }
  # Users that log in to PostgreSQL with a password, and the secret that holds it.
  database_users = {
    roster_owner = "roster-owner-password"
    concourse    = "concourse-database-password"
    sonarqube    = "sonarqube-database-password"
  }
  tools_with_database = toset(["concourse", "sonarqube"])
}

module "secrets" {
  source     = "../secrets"
  project_id = module.project_services.project_id
  region     = var.region
  secrets = { for name, kind in local.generated_secrets : name => {
    kind    = kind
    version = var.password_version
    # Concourse takes an AES key of 16, 24 or 32 bytes.
    length  = 32
    readers = { external-secrets = module.external_secrets_identity.member }
  } }
  values = module.generated_values.values
  labels = local.labels
}

module "generated_values" {
  source       = "../generated-values"
  passwords    = module.secrets.to_generate.passwords
  key_pairs    = module.secrets.to_generate.key_pairs
  signing_keys = module.secrets.to_generate.signing_keys
}

# Passwords come from Secret Manager, not from this run: an apply that stopped between writing the secret and the user
# would otherwise leave a user with a password that is stored nowhere.
ephemeral "google_secret_manager_secret_version" "database" {
  for_each = local.database_users

  project = module.project_services.project_id
  secret  = module.secrets.versions[each.value].secret
  version = module.secrets.versions[each.value].version
}

# One server for each trust. On Cloud SQL a user with a password is a member of cloudsqlsuperuser, and roles such as
# pg_read_all_data reach every database of a server.
module "database" {
  source     = "../database"
  project_id = module.project_services.project_id
  region     = var.region
  name       = "${var.database.name}-${random_id.generation.hex}"
  network_id = module.network.network.id
  instance = {
    version          = var.database.version
    tier             = var.database.tier
    disk_gib         = var.database.disk_gib
    highly_available = var.database.highly_available
  }
  backups      = { retained = var.database.backups_retained }
  databases    = ["roster"]
  read_replica = var.database.read_replica
  # The service reads and writes rows; the tables belong to roster_owner, which only migrations log in as.
  iam_users = {
    service = {
      service_account = module.service_identity.email
      database_roles  = ["pg_read_all_data", "pg_write_all_data"]
    }
  }
  password_users      = { roster_owner = { version = var.password_version } }
  passwords           = { roster_owner = ephemeral.google_secret_manager_secret_version.database["roster_owner"].secret_data }
  deletion_protection = var.deletion_protection
  labels              = local.labels
}

module "tool_databases" {
  source   = "../database"
  for_each = local.tools_with_database

  project_id = module.project_services.project_id
  region     = var.region
  name       = "${each.key}-${random_id.generation.hex}"
  network_id = module.network.network.id
  instance = {
    # SonarQube supports PostgreSQL up to 17.
    version          = "POSTGRES_17"
    tier             = var.database.tools_tier
    disk_gib         = 10
    highly_available = false
    max_connections  = 100
  }
  backups             = { retained = var.database.backups_retained }
  databases           = [each.key]
  password_users      = { (each.key) = { version = var.password_version } }
  passwords           = { (each.key) = ephemeral.google_secret_manager_secret_version.database[each.key].secret_data }
  deletion_protection = var.deletion_protection
  labels              = local.labels
}

module "gateway" {
  source     = "../gateway"
  project_id = module.project_services.project_id
  hosts      = local.hosts
  labels     = local.labels
}

module "dns" {
  source         = "../dns"
  project_id     = module.project_services.project_id
  domain         = var.domain.name
  existing_zone  = var.domain.existing_zone
  hosts          = local.hosts
  address        = module.gateway.address
  authorizations = module.gateway.authorizations
  labels         = local.labels
}

module "build_workers" {
  source = "../build-workers"
  count  = local.autopilot ? 1 : 0

  project_id    = module.project_services.project_id
  region        = var.region
  network_id    = module.network.network.id
  subnetwork_id = module.network.subnetwork.id
  address       = local.worker_address
  host_key      = module.secrets.secrets["concourse-host-key"]
  pools = { for pool in local.worker_pools : pool => {
    worker_key          = module.secrets.secrets[local.worker_keys[pool]]
    count               = pool == "default" ? var.build_workers.count : var.build_workers.pull_request_count
    machine_type        = var.build_workers.machine_type
    disk_gib            = var.build_workers.disk_gib
    spot                = var.build_workers.spot
    restricted_networks = local.worker_restricted_networks[pool]
  } }
  labels = local.labels
}

module "platform" {
  source           = "../platform"
  project          = var.project
  hosts            = local.hosts
  cluster_mode     = module.cluster.cluster.mode
  delivery_account = var.delivery_account
  gateway          = module.gateway.gateway
  admins           = var.admins
  identity_proxy   = var.identity_proxy
  database = {
    private_address = module.database.database.private_address
    port            = module.database.database.port
    connection_name = module.database.database.connection_name
    service_user    = module.database.database.iam_users["service"]
  }
  tool_databases = { for tool, database in module.tool_databases : tool => {
    private_address = database.database.private_address
    port            = database.database.port
  } }
  secrets                  = module.secrets.secrets
  external_secrets_account = module.external_secrets_identity.email
  prometheus = {
    mode            = var.prometheus_mode
    rules_directory = var.rules_directory
  }
  concourse = {
    workers              = local.autopilot ? 0 : var.build_workers.count
    pull_request_workers = local.autopilot ? 0 : var.build_workers.pull_request_count
    restricted_networks  = local.worker_restricted_networks
    worker_disk_gib      = var.build_workers.disk_gib
    worker_address       = local.autopilot ? local.worker_address : null
    worker_source_cidr   = local.autopilot ? var.ranges.nodes : null
  }
}

module "observability" {
  source              = "../observability"
  project             = { id = module.project_services.project_id, number = var.project.number }
  environment         = var.environment
  hosts               = local.hosts
  notification_emails = var.notification_emails
  budget              = var.budget
}
