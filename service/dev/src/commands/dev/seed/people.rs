//! The names of seeded users. Each has its display form, its folded form and one for an address.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::user_copy::UserRow;

/// Display form, and form in an e-mail address.
const FIRST: &[(&str, &str)] = &[
    ("Ada", "ada"),
    ("Aisha", "aisha"),
    ("Alan", "alan"),
    ("Alejandra", "alejandra"),
    ("Anna", "anna"),
    ("Barbara", "barbara"),
    ("Björn", "bjoern"),
    ("Carlos", "carlos"),
    ("Chen", "chen"),
    ("Chloé", "chloe"),
    ("Daniel", "daniel"),
    ("Dorothy", "dorothy"),
    ("Edsger", "edsger"),
    ("Elif", "elif"),
    ("Emma", "emma"),
    ("Fatima", "fatima"),
    ("Felix", "felix"),
    ("Frances", "frances"),
    ("Grace", "grace"),
    ("Hannah", "hannah"),
    ("Hiroshi", "hiroshi"),
    ("Ines", "ines"),
    ("Ivan", "ivan"),
    ("Jean", "jean"),
    ("José", "jose"),
    ("Jürgen", "juergen"),
    ("Karen", "karen"),
    ("Katherine", "katherine"),
    ("Kofi", "kofi"),
    ("Lena", "lena"),
    ("Liam", "liam"),
    ("Lucía", "lucia"),
    ("Margaret", "margaret"),
    ("Mateo", "mateo"),
    ("Mehmet", "mehmet"),
    ("Mia", "mia"),
    ("Nadia", "nadia"),
    ("Niklaus", "niklaus"),
    ("Noah", "noah"),
    ("Olga", "olga"),
    ("Oliver", "oliver"),
    ("Priya", "priya"),
    ("Radia", "radia"),
    ("René", "rene"),
    ("Robin", "robin"),
    ("Sofía", "sofia"),
    ("Søren", "soeren"),
    ("Tim", "tim"),
    ("Tomás", "tomas"),
    ("Yuki", "yuki"),
];
const LAST: &[(&str, &str)] = &[
    ("Allen", "allen"),
    ("Andersson", "andersson"),
    ("Bauer", "bauer"),
    ("Becker", "becker"),
    ("Brown", "brown"),
    ("Chen", "chen"),
    ("Codd", "codd"),
    ("Dijkstra", "dijkstra"),
    ("Dubois", "dubois"),
    ("Fernández", "fernandez"),
    ("Fischer", "fischer"),
    ("García", "garcia"),
    ("Goldberg", "goldberg"),
    ("Gray", "gray"),
    ("Gupta", "gupta"),
    ("Hamilton", "hamilton"),
    ("Hansen", "hansen"),
    ("Hoare", "hoare"),
    ("Hopper", "hopper"),
    ("Ito", "ito"),
    ("Ivanova", "ivanova"),
    ("Johnson", "johnson"),
    ("Kaya", "kaya"),
    ("Kim", "kim"),
    ("Knuth", "knuth"),
    ("Kowalski", "kowalski"),
    ("Lamport", "lamport"),
    ("Lee", "lee"),
    ("Liskov", "liskov"),
    ("Lovelace", "lovelace"),
    ("López", "lopez"),
    ("Martin", "martin"),
    ("Mensah", "mensah"),
    ("Meyer", "meyer"),
    ("Moreau", "moreau"),
    ("Müller", "mueller"),
    ("Nguyen", "nguyen"),
    ("Nowak", "nowak"),
    ("Okafor", "okafor"),
    ("Perlman", "perlman"),
    ("Peña", "pena"),
    ("Ritchie", "ritchie"),
    ("Rossi", "rossi"),
    ("Sato", "sato"),
    ("Schmidt", "schmidt"),
    ("Silva", "silva"),
    ("Singh", "singh"),
    ("Smith", "smith"),
    ("Sørensen", "soerensen"),
    ("Tanaka", "tanaka"),
    ("Thompson", "thompson"),
    ("Turing", "turing"),
    ("Wagner", "wagner"),
    ("Weber", "weber"),
    ("Wirth", "wirth"),
];
const TITLES: &[&str] = &[
    "Analyst",
    "Architect",
    "Buyer",
    "Consultant",
    "Controller",
    "Designer",
    "Director",
    "Engineer",
    "Nurse",
    "Office Manager",
    "Physicist",
    "Programmer",
    "Recruiter",
    "Researcher",
    "Technician",
    "Translator",
];
const DEPARTMENTS: &[&str] = &[
    "Accounting",
    "Customer Care",
    "Engines",
    "Facilities",
    "Human Resources",
    "Legal",
    "Logistics",
    "Marketing",
    "Procurement",
    "Quality",
    "Research",
    "Sales",
];

/// The user with this number: always the same, except for the time of creation.
pub(super) fn person(row: u64, created_at: SystemTime) -> UserRow {
    let chance = scattered(row).to_le_bytes();
    let picked =
        |at: usize, of: usize| usize::from(u16::from_le_bytes([chance[at], chance[at + 1]])) % of;
    let (first, last) = (FIRST[picked(0, FIRST.len())], LAST[picked(2, LAST.len())]);
    let name = format!("{} {}", first.0, last.0);
    UserRow {
        id: id(created_at, scattered(!row)),
        email: format!("{}.{}{row}@example.com", first.1, last.1),
        // All names above are composed (NFC) already.
        name_key: name.to_lowercase(),
        name,
        phone: (chance[6] < 170).then(|| format!("+49{}", 1_500_000_000 + row)),
        title: TITLES[picked(4, TITLES.len())],
        department: DEPARTMENTS[picked(5, DEPARTMENTS.len())],
        status: if chance[7] < 13 {
            "suspended"
        } else {
            "active"
        },
        created_at,
    }
}

/// A UUID of version 7 (RFC 9562): milliseconds, then a part that is unique within a millisecond.
fn id(at: SystemTime, chance: u64) -> u128 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let chance = u128::from(chance);
    since.as_millis() << 80
        | 7 << 76
        | (chance >> 62) << 64
        | 2 << 62
        | chance & 0x3fff_ffff_ffff_ffff
}

/// The finalizer of `SplitMix64`: a bijection without visible order.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::{Duration, UNIX_EPOCH};

    use super::{FIRST, LAST, person};

    #[test]
    fn no_two_users_have_an_id_or_an_address_in_common() {
        let at = UNIX_EPOCH + Duration::from_millis(0x0193_6f5e_0000);
        let people: Vec<_> = (0..10_000).map(|row| person(row, at)).collect();
        let ids: HashSet<_> = people.iter().map(|person| person.id).collect();
        let emails: HashSet<_> = people.iter().map(|person| &person.email).collect();
        assert_eq!((ids.len(), emails.len()), (10_000, 10_000));
        let text = format!("{:032x}", people[0].id);
        assert!(text.starts_with("01936f5e00007"), "{text}");
        assert!(matches!(text.as_bytes()[16], b'8'..=b'b'), "{text}");
    }

    #[test]
    fn addresses_are_plain_ascii() {
        let plain = |name: &&(&str, &str)| name.1.bytes().all(|b| b.is_ascii_lowercase());
        assert_eq!(
            FIRST.iter().chain(LAST).filter(plain).count(),
            FIRST.len() + LAST.len()
        );
    }

    #[test]
    fn names_are_composed() {
        let combining = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
        assert!(
            FIRST
                .iter()
                .chain(LAST)
                .all(|name| !name.0.contains(combining))
        );
    }
}
