# Ephemeral: generated in every run and stored nowhere; only the run that writes a new version of a secret uses them.
ephemeral "random_password" "this" {
  for_each = var.passwords

  length = each.value
  # Fits into a URL and a JDBC string as it is, and holds what Cloud SQL's password policy asks for.
  special          = true
  override_special = "-_"
  min_lower        = 1
  min_upper        = 1
  min_numeric      = 1
  min_special      = 1
}

ephemeral "tls_private_key" "this" {
  for_each = var.key_pairs

  algorithm = "RSA"
  rsa_bits  = each.value
}

# Signs tokens: an elliptic curve, since signing with RSA is slower.
ephemeral "tls_private_key" "signing" {
  for_each = var.signing_keys

  algorithm   = "ECDSA"
  ecdsa_curve = each.value
}
