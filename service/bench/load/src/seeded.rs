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

/// The department of a seeded user.
#[must_use]
pub fn department(user: u64) -> &'static str {
    DEPARTMENTS[index(user / 7, DEPARTMENTS.len())]
}

/// The status of a seeded user.
#[must_use]
pub fn status(user: u64) -> &'static str {
    if user % 20 == 19 {
        "suspended"
    } else {
        "active"
    }
}

/// The document of a seeded user with another title.
#[must_use]
pub fn body_with_title(user: u64, title: &str) -> String {
    let (email, name) = (email(user), name(user));
    let (department, status) = (department(user), status(user));
    format!(
        r#"{{"email":"{email}","name":"{name}","phone":"+442071234567","title":"{title}","department":"{department}","status":"{status}"}}"#
    )
}

const FIRST_NAMES: [&str; 16] = [
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Katherine",
    "Dennis",
    "Margaret",
    "Niklaus",
    "Hedy",
    "Tony",
    "Radia",
    "Ken",
    "Frances",
    "Leslie",
];
const LAST_NAMES: [&str; 16] = [
    "Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Johnson", "Ritchie",
    "Hamilton", "Wirth", "Lamarr", "Hoare", "Perlman", "Thompson", "Allen", "Lamport",
];
const DEPARTMENTS: [&str; 12] = [
    "Engines",
    "Research",
    "Sales",
    "Finance",
    "Legal",
    "People",
    "Support",
    "Security",
    "Design",
    "Operations",
    "Marketing",
    "Facilities",
];

/// The name of a seeded user.
#[must_use]
pub fn name(user: u64) -> String {
    let first = FIRST_NAMES[index(user, FIRST_NAMES.len())];
    let last = LAST_NAMES[index(user / 16, LAST_NAMES.len())];
    // A scattered number, so that the order of names is not the order of creation.
    format!(
        "{first} {last} {:08x}",
        (user.wrapping_mul(2_654_435_761)) & 0xffff_ffff
    )
}

fn index(number: u64, length: usize) -> usize {
    usize::try_from(number).unwrap_or(0) % length
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
