output "database" {
  description = "How to reach it: `connection_name` for the Cloud SQL proxy, `private_address`, `port`, names of the `databases` and of the `password_users`, and `iam_users` (name in `var.iam_users` to PostgreSQL name)."
  value = {
    connection_name = google_sql_database_instance.this.connection_name
    private_address = google_sql_database_instance.this.private_ip_address
    port            = 5432
    databases       = sort([for database in google_sql_database.this : database.name])
    password_users  = sort([for user in google_sql_user.password : user.name])
    iam_users       = { for name, user in google_sql_user.iam : name => user.name }
  }
}

output "name" {
  description = "Name of the instance."
  value       = google_sql_database_instance.this.name
}

output "replica" {
  description = "The read replica's `connection_name` and `private_address`, or null."
  value = one([for replica in google_sql_database_instance.replica : {
    connection_name = replica.connection_name
    private_address = replica.private_ip_address
  }])
}
