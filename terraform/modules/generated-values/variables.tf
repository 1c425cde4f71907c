variable "passwords" {
  description = "Passwords to generate: name to length. A length known only while applying puts the generation off until then."
  type        = map(number)
  default     = {}
}

variable "key_pairs" {
  description = "RSA key pairs to generate: name to size in bits, put off in the same way."
  type        = map(number)
  default     = {}
}

variable "signing_keys" {
  description = "Keys to sign tokens with: name to elliptic curve, put off in the same way."
  type        = map(string)
  default     = {}
}

variable "given" {
  description = "Values to use as they are instead of generated ones, such as those of a project that is being moved."
  type        = map(string)
  default     = {}
  ephemeral   = true
}
