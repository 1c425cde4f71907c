variable "project_id" {
  description = "Project that keeps the secrets."
  type        = string
}

variable "region" {
  description = "Region that the secrets are kept in; they are not copied elsewhere."
  type        = string
}

variable "secrets" {
  description = "Secrets by name. `kind`: `password`, `key_pair` (RSA) and `signing_key` (elliptic) are generated, `given` gets its value from a person (`gcloud secrets versions add`). A higher `version` generates a new value. `readers` are IAM members that may read it."
  type = map(object({
    kind    = string
    version = optional(number, 1)
    length  = optional(number, 40)
    readers = optional(map(string), {})
  }))

  validation {
    condition     = alltrue([for secret in values(var.secrets) : contains(["password", "key_pair", "signing_key", "given"], secret.kind)])
    error_message = "secrets: kind is \"password\", \"key_pair\", \"signing_key\" or \"given\", but ${join(", ", [for name, secret in var.secrets : "${name} has \"${secret.kind}\"" if !contains(["password", "key_pair", "signing_key", "given"], secret.kind)])}."
  }

  validation {
    condition     = alltrue([for secret in values(var.secrets) : secret.length >= 24 && secret.length <= 256])
    error_message = "secrets: a password is 24 to 256 characters long; leave `length` out for 40."
  }

  validation {
    condition     = alltrue(flatten([for secret in values(var.secrets) : [for member in values(secret.readers) : !startswith(member, "all")]]))
    error_message = "secrets: readers are named principals such as \"serviceAccount:…\"; allUsers would publish the secret."
  }
}

variable "values" {
  description = "Generated values by secret, as the generated-values module makes them from `to_generate`; ephemeral, so that Terraform writes them neither to a plan nor to the state."
  type        = map(string)
  default     = {}
  ephemeral   = true
}

variable "labels" {
  description = "Labels of the secrets."
  type        = map(string)
  default     = {}
}
