# The bucket's name is made from the project's id by `cargo xtask infra`, as bootstrap made it.
terraform {
  backend "gcs" {
    prefix = "environments/dev"
  }
}
