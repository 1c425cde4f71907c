variable "project" {
  description = "Project of the cluster: its id and its number."
  type = object({
    id     = string
    number = string
  })
}

variable "hosts" {
  description = "Host names of the service and the tools."
  type = object({
    service    = string
    sonarqube  = string
    concourse  = string
    prometheus = string
  })
}

variable "cluster_mode" {
  description = "`autopilot` or `standard`: what pods may do differs."
  type        = string

  validation {
    condition     = contains(["autopilot", "standard"], var.cluster_mode)
    error_message = "cluster_mode: \"autopilot\" or \"standard\", the cluster module's `cluster.mode`."
  }
}

variable "gateway" {
  description = "What the shared Gateway refers to: the gateway module's output."
  type = object({
    address_name    = string
    certificate_map = string
    ssl_policy      = string
    security_policy = string
  })
  default = null
}

variable "ingress" {
  description = "Serve by Ingress instead of the Gateway, with a controller of your own: its `class`, and an `email` for Let's Encrypt to write to. cert-manager then gets the certificates. Concourse shows build logs, and Prometheus metrics, without a login: they are served only with `login_annotations`, by which the controller asks for one (for ingress-nginx `nginx.ingress.kubernetes.io/auth-url`, for Traefik `traefik.ingress.kubernetes.io/router.middlewares`)."
  type = object({
    class             = string
    email             = string
    login_annotations = optional(map(string), {})
  })
  default = null

  validation {
    condition     = (var.ingress == null) != (var.gateway == null)
    error_message = "ingress: exactly one of `gateway` and `ingress` is set; the hosts have one way in."
  }

  validation {
    condition     = var.ingress == null ? true : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.ingress.email))
    error_message = "ingress.email: an address that somebody reads; Let's Encrypt warns there of certificates that end."
  }
}

variable "admins" {
  description = "Who passes the Identity-Aware Proxy to Concourse, SonarQube and Prometheus (`user:…`, `group:…`, `domain:…`)."
  type        = set(string)

  validation {
    condition     = length(var.admins) > 0 && alltrue([for member in var.admins : can(regex("^(user|group|domain|serviceAccount):.+", member)) && !startswith(member, "user:all")])
    error_message = "admins: at least one of user:ada@example.com, group:team@example.com or domain:example.com; allUsers would open the tools to the internet."
  }
}

variable "delivery_account" {
  description = "E-mail of the account that deploys the service: it may act in the service's namespace and in no other."
  type        = string

  validation {
    condition     = endswith(var.delivery_account, ".iam.gserviceaccount.com")
    error_message = "delivery_account: a service account's address, such as \"roster-delivery@my-project.iam.gserviceaccount.com\"."
  }
}

variable "identity_proxy" {
  description = "OAuth client of your own for the Identity-Aware Proxy: its `client_id`, and the name of a secret in Secret Manager that holds its secret already. Null takes Google's client, which lets in people of the project's organization alone."
  type = object({
    client_id = string
    secret    = string
  })
  default = null

  validation {
    condition     = var.identity_proxy == null ? true : endswith(var.identity_proxy.client_id, ".apps.googleusercontent.com")
    error_message = "identity_proxy.client_id: the client's id, such as \"123456789012-abc.apps.googleusercontent.com\", not its secret or name."
  }
}

variable "database" {
  description = "PostgreSQL of the service: `private_address`, `port`, `connection_name`, and `service_user`, the service's IAM user."
  type = object({
    private_address = string
    port            = number
    connection_name = string
    service_user    = string
  })
}

variable "tool_databases" {
  description = "PostgreSQL of `concourse` and of `sonarqube`, each a server of its own: `private_address`, `port`."
  type = object({
    concourse = object({ private_address = string, port = number })
    sonarqube = object({ private_address = string, port = number })
  })

  validation {
    # Addresses that are not known yet are compared when they are.
    condition     = length(distinct([var.database.private_address, var.tool_databases.concourse.private_address, var.tool_databases.sonarqube.private_address])) == 3
    error_message = "tool_databases: the service, Concourse and SonarQube must not share a server; a user of one could read the others' data."
  }
}

variable "secrets" {
  description = "Names in Secret Manager of what the pods need, by use: the secrets module's output, so that they exist first."
  type        = map(string)

  validation {
    condition = length(setsubtract([
      "concourse-database-password", "concourse-admin-password", "concourse-encryption-key", "concourse-session-key", "concourse-host-key", "concourse-worker-key", "concourse-pull-request-worker-key",
      "sonarqube-database-password", "sonarqube-monitoring-passcode", "roster-owner-password", "roster-token-key",
    ], keys(var.secrets))) == 0
    error_message = "secrets: one that the platform reads is missing; pass the secrets module's `secrets`."
  }
}

variable "external_secrets_account" {
  description = "E-mail of the Google account by which External Secrets reads Secret Manager."
  type        = string
}

variable "prometheus" {
  description = "`stack` installs kube-prometheus-stack, `managed` leaves collecting to Google and gives it the rules. `rules_directory` holds rule files (prometheus/rules)."
  type = object({
    mode            = optional(string, "stack")
    rules_directory = string
    retention_days  = optional(number, 15)
    storage_gib     = optional(number, 50)
  })

  validation {
    condition     = contains(["stack", "managed"], var.prometheus.mode)
    error_message = "prometheus.mode: \"stack\" or \"managed\"."
  }

  validation {
    condition     = length(fileset(var.prometheus.rules_directory, "*.yaml")) > 0
    error_message = "prometheus.rules_directory: no *.yaml in \"${var.prometheus.rules_directory}\"; without rules nobody is alerted. It is prometheus/rules of this repository."
  }
}

variable "alertmanager" {
  description = "Alertmanager's configuration as a file, and the secret with Slack's webhook; null sends no alerts."
  type = object({
    configuration_file = string
    slack_secret       = string
  })
  default = null
}

variable "concourse" {
  description = "`workers` and `pull_request_workers` as pods (they are privileged, which Autopilot refuses: there both must be 0 and workers are machines), the `restricted_networks` that tasks on them do not reach, by pool, and the internal `worker_address` at which machines reach the worker gateway."
  type = object({
    workers              = optional(number, 1)
    pull_request_workers = optional(number, 1)
    restricted_networks  = optional(map(list(string)), {})
    worker_disk_gib      = optional(number, 50)
    worker_address       = optional(string)
    worker_source_cidr   = optional(string)
  })
  default = {}

  validation {
    condition     = var.cluster_mode == "standard" || var.concourse.workers + var.concourse.pull_request_workers == 0
    error_message = "concourse: Autopilot admits no privileged pods, so set workers and pull_request_workers to 0 and run workers as machines (module build-workers, `worker_address`), or take cluster_mode = \"standard\"."
  }

  validation {
    condition     = var.concourse.workers > 0 || var.concourse.worker_address != null
    error_message = "concourse: no workers as pods and no worker_address for machines: no build would ever start."
  }
}
