output "secrets" {
  description = "Names of the secrets, known once they and their generated values exist."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id }
  depends_on  = [google_secret_manager_secret_version.generated]
}

output "versions" {
  description = "Version that holds each generated value: `secret` and `version`, for who reads it back."
  value = { for name, version in google_secret_manager_secret_version.generated : name => {
    secret  = google_secret_manager_secret.this[name].secret_id
    version = version.version
  } }
}

# Read back from the secrets, so that nothing is generated before there is a place for it.
output "to_generate" {
  description = "What `values` must hold, for the generated-values module: `passwords` with their lengths, `key_pairs` with their sizes, `signing_keys` with their curves."
  value = {
    passwords    = { for name, secret in var.secrets : name => tonumber(google_secret_manager_secret.this[name].effective_annotations["length"]) if secret.kind == "password" }
    signing_keys = { for name, secret in var.secrets : name => google_secret_manager_secret.this[name].effective_annotations["curve"] if secret.kind == "signing_key" }
    key_pairs    = { for name, secret in var.secrets : name => tonumber(google_secret_manager_secret.this[name].effective_annotations["bits"]) if secret.kind == "key_pair" }
  }
}
