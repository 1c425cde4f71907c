variable "passwords" {
  description = "Passwords to generate: name to length. A length that is known only while applying defers the generation."
  type        = map(number)
  default     = {}
}

variable "key_pairs" {
  description = "RSA key pairs to generate: name to size in bits, deferred in the same way."
  type        = map(number)
  default     = {}
}

variable "signing_keys" {
  description = "Keys to sign tokens with: name to elliptic curve, deferred in the same way."
  type        = map(string)
  default     = {}
}

variable "given" {
  description = "Values to use instead of generated ones, for example of a project that is being migrated."
  type        = map(string)
  default     = {}
  ephemeral   = true
}
