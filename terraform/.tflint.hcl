# Only the rules that come with tflint: no plugin is downloaded.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Files are named by what they hold, so there is not always a main.tf.
rule "terraform_standard_module_structure" {
  enabled = false
}

# An environment pins the exact versions of all providers, also of those that only its modules call.
rule "terraform_unused_required_providers" {
  enabled = false
}
