//! The names that seeded users are made of. Each has the form shown, its folded form and one for an address.

/// Shown, and as it stands in an e-mail address.
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

/// The arrays that one `INSERT` picks from.
pub(super) struct People {
    arrays: [Vec<String>; 8],
}

impl People {
    pub(super) fn new() -> Self {
        let shown = |names: &[(&str, &str)]| {
            names
                .iter()
                .map(|name| name.0.to_owned())
                .collect::<Vec<_>>()
        };
        // The folded form: all names above are composed (NFC) already.
        let folded =
            |names: &[(&str, &str)]| names.iter().map(|name| name.0.to_lowercase()).collect();
        let address = |names: &[(&str, &str)]| names.iter().map(|name| name.1.to_owned()).collect();
        let plain = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            arrays: [
                shown(FIRST),
                folded(FIRST),
                address(FIRST),
                shown(LAST),
                folded(LAST),
                address(LAST),
                plain(TITLES),
                plain(DEPARTMENTS),
            ],
        }
    }

    /// First names: shown, folded, for addresses; last names likewise; titles; departments.
    pub(super) fn arrays(&self) -> &[Vec<String>; 8] {
        &self.arrays
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LAST};

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
