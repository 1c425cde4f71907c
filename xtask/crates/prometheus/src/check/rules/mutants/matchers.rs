//! Missing label matchers. Must not know about rules.

use super::column;
use crate::rule_files::promql::{Kind, Token};

/// Drops `label="value"` with its comma. Where operands are joined on the label, dropping it from one has no effect,
/// because the extra series have no partner: there it is dropped from all operands at once.
pub(super) fn without_matcher(cut: &[Token], place: usize) -> Option<(String, Vec<Token>)> {
    let is_matcher = cut[place].kind == Kind::Label && cut.get(place + 2)?.kind == Kind::Text;
    if !is_matcher {
        return None;
    }
    let matcher = &cut[place..place + 3];
    let mut dropped = vec![place];
    if is_joined_on(cut, &cut[place].text) {
        dropped = (0..cut.len())
            .filter(|&at| cut[at..].starts_with(matcher))
            .collect();
    }
    if dropped[0] != place {
        return None;
    }
    let mut changed = cut.to_vec();
    for &at in dropped.iter().rev() {
        let has_comma = cut.get(at + 3).is_some_and(|token| token.text == ",");
        changed.drain(at..at + 3 + usize::from(has_comma));
    }
    let removed: String = matcher.iter().map(|token| token.text.as_str()).collect();
    Some((
        format!(
            "the matcher {removed} was removed, at {}",
            column(cut, place)
        ),
        changed,
    ))
}

/// Whether each operand keeps the label and only pairs that agree on it match.
fn is_joined_on(cut: &[Token], label: &str) -> bool {
    let count = |texts: &[&str]| {
        let is_one = |token: &&Token| texts.contains(&token.text.as_str());
        cut.iter().filter(is_one).count()
    };
    let lists = || {
        let begins = |at: &usize| matches!(cut[*at].text.as_str(), "by" | "on");
        (0..cut.len()).filter(begins).map(|at| {
            let list = cut[at..].iter();
            list.take_while(|token| token.text != ")")
                .any(|token| token.text == label)
        })
    };
    count(&["or", "unless"]) == 0
        && count(&["sum", "min", "max", "count"]) == count(&["by"])
        && lists().all(|has_label| has_label)
}
