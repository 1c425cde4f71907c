//! The list queries: every sort, every filter, and every combination.

pub(super) const SORTS: [&str; 6] = [
    "created_at",
    "-created_at",
    "name",
    "-name",
    "email",
    "-email",
];

/// Each filter absent, and with values that match many and few users. A search of two characters uses another plan than
/// a longer one.
const EMAILS: [&str; 2] = ["", "&email=USER77%40example.com"];
const DEPARTMENTS: [&str; 2] = ["", "&department=Sales"];
const STATUSES: [&str; 3] = ["", "&status=active", "&status=suspended"];
const SEARCHES: [&str; 5] = ["", "&q=ad", "&q=zz", "&q=lovelace", "&q=c0ffee"];

/// Every combination of filters under every sort, as queries.
pub(super) fn all() -> Vec<String> {
    let mut queries = vec![String::new()];
    for choices in [&EMAILS[..], &DEPARTMENTS, &STATUSES, &SEARCHES] {
        queries = queries
            .iter()
            .flat_map(|query| choices.iter().map(move |choice| format!("{query}{choice}")))
            .collect();
    }
    SORTS
        .iter()
        .flat_map(|sort| {
            queries
                .iter()
                .map(move |query| format!("sort={sort}{query}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::all;
    use std::collections::HashSet;

    #[test]
    fn every_combination_is_asked_once() {
        let all = all();
        assert_eq!(all.len(), 6 * 2 * 2 * 3 * 5);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert!(all.contains(&"sort=-name&department=Sales&status=active&q=ad".to_owned()));
    }
}
