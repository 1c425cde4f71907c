//! The search `q=` in the inverted index of `search_grams`: runs of three characters, found by prefix also for two
//! (docs/adr/0003).

use crate::domain::Search;

/// The `tsquery` that every text with this substring satisfies; for two and three characters, only such a text does.
pub(super) fn search_query(search: &Search) -> String {
    let chars: Vec<char> = search.as_str().chars().collect();
    let mut query = String::new();
    let width = chars.len().min(3);
    for gram in chars.windows(width) {
        if !query.is_empty() {
            query.push('&');
        }
        query.push('\'');
        for &c in gram {
            if matches!(c, '\'' | '\\') {
                query.push(c);
            }
            query.push(c);
        }
        query.push('\'');
    }
    if width == 2 {
        query.push_str(":*");
    }
    query
}

/// The pattern of `LIKE` that distinguishes texts with this substring from those that merely have all its grams; none
/// when the grams decide by themselves.
pub(super) fn like_pattern(search: &Search) -> Option<String> {
    let text = search.as_str();
    (text.chars().count() > 3).then(|| {
        let mut pattern = String::with_capacity(text.len() + 2);
        pattern.push('%');
        for c in text.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        pattern
    })
}

#[cfg(test)]
mod tests {
    use super::{like_pattern, search_query};
    use crate::domain::Search;

    fn search(text: &str) -> Search {
        Search::parse(text).unwrap()
    }

    #[test]
    fn two_characters_are_a_prefix_and_more_are_all_their_runs() {
        assert_eq!(search_query(&search("Ab")), "'ab':*");
        assert_eq!(search_query(&search("abcd")), "'abc'&'bcd'");
    }

    #[test]
    fn quotes_and_wildcards_stand_for_themselves() {
        assert_eq!(search_query(&search("o'\\")), "'o''\\\\'");
        assert_eq!(
            like_pattern(&search("50%_\\")).as_deref(),
            Some("%50\\%\\_\\\\%")
        );
        assert_eq!(like_pattern(&search("abc")), None);
    }
}
