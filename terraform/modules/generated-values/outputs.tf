output "values" {
  description = "Generated values by name: a password as it is, a key pair as JSON with `private` (PEM) and `public` (OpenSSH), a signing key as PEM (PKCS #8)."
  ephemeral   = true
  # The condition is always true. Terraform 1.11 forgets that a map made from ephemeral resources is ephemeral
  # while their number is unknown; a choice on an ephemeral variable stays ephemeral.
  value = var.given == null ? {} : merge(
    { for name, password in ephemeral.random_password.this : name => password.result },
    { for name, key in ephemeral.tls_private_key.this : name => jsonencode({
      private = key.private_key_pem
      public  = key.public_key_openssh
    }) },
    { for name, key in ephemeral.tls_private_key.signing : name => key.private_key_pem_pkcs8 },
    var.given,
  )
}
