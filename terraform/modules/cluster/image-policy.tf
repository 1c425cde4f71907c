# Binary Authorization: which images may run in the project's clusters. The cluster asks this policy about every pod;
# Google's own system images are covered by Google's global policy. That Roster's image is signed, `cargo xtask deploy`
# verifies: Binary Authorization cannot check keyless signatures.
resource "google_binary_authorization_policy" "this" {
  project                       = var.project.id
  description                   = "Images of these repositories and of no other."
  global_policy_evaluation_mode = "ENABLE"

  dynamic "admission_whitelist_patterns" {
    for_each = toset(var.image_policy.repositories)
    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }

  default_admission_rule {
    evaluation_mode  = "ALWAYS_DENY"
    enforcement_mode = var.image_policy.enforced ? "ENFORCED_BLOCK_AND_AUDIT_LOG" : "DRYRUN_AUDIT_LOG_ONLY"
  }
}
