//! The users that a database is seeded with before a measurement, identified by number.

/// The id of a seeded user: a UUID of version 7 whose last fifteen digits are decimal, so that `pgbench` can name it.
#[must_use]
pub fn id(user: u64) -> String {
    format!(
        "01936f5e-0000-7000-8{:03}-{:012}",
        100 + user / 1_000_000_000_000,
        user % 1_000_000_000_000
    )
}

/// The e-mail address of a seeded user.
#[must_use]
pub fn email(user: u64) -> String {
    format!("user{user}@example.com")
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn ids_are_uuids_of_version_7_in_order() {
        assert_eq!(id(0), "01936f5e-0000-7000-8100-000000000000");
        assert_eq!(id(99_999), "01936f5e-0000-7000-8100-000000099999");
    }
}
