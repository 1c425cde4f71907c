//! Splits `PromQL` into tokens, as needed to change one place of an expression. Must not know the purpose of a change.

/// One token of an expression; joined in order, the tokens are the expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Its text as it stands in the expression.
    pub(crate) text: String,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space.
    Space,
    /// A metric's name.
    Metric,
    /// A function or an aggregation: a name before `(` or `by`.
    Function,
    /// `and`, `or`, `unless`, `by`, `on`, `bool` and the like.
    Word,
    /// A label's name, in matchers or in a list.
    Label,
    /// A quoted string.
    Text,
    /// A number.
    Number,
    /// A duration between brackets.
    Duration,
    /// Anything else: operators, brackets, commas.
    Sign,
}

const WORDS: &[&str] = &[
    "and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset",
];
const TWO_SIGNS: &[&str] = &[">=", "<=", "==", "!=", "=~", "!~"];

/// Splits an expression into tokens.
pub(crate) fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    // Inside {…}, and (…) after by/on/without, names are labels; […] contains a duration.
    let mut inside: Vec<char> = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let length = length_of(rest, first, inside.last() == Some(&'['));
        let (text, after) = rest.split_at(length);
        let kind = kind_of(text, first, after, inside.last().copied());
        match first {
            '{' | '[' => inside.push(first),
            '(' => inside.push(if follows_grouping(&tokens) { 'l' } else { '(' }),
            '}' | ']' | ')' => {
                inside.pop();
            }
            _ => {}
        }
        tokens.push(Token {
            kind,
            text: text.to_owned(),
        });
        rest = after;
    }
    tokens
}

fn length_of(rest: &str, first: char, in_range: bool) -> usize {
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    if first.is_whitespace() {
        run(char::is_whitespace)
    } else if matches!(first, '"' | '\'') {
        // Strings in the rules contain no escapes; an unclosed one extends to the end, and promtool rejects it.
        rest[1..].find(first).map_or(rest.len(), |end| end + 2)
    } else if in_range && first.is_ascii_digit() {
        run(|c| c.is_ascii_alphanumeric())
    } else if first.is_ascii_digit() {
        run(|c| c.is_ascii_digit() || c == '.')
    } else if first.is_alphabetic() || first == '_' {
        run(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
    } else if TWO_SIGNS.iter().any(|signs| rest.starts_with(signs)) {
        2
    } else {
        first.len_utf8()
    }
}

fn kind_of(text: &str, first: char, after: &str, inside: Option<char>) -> Kind {
    if first.is_whitespace() {
        Kind::Space
    } else if matches!(first, '"' | '\'') {
        Kind::Text
    } else if first.is_ascii_digit() {
        if inside == Some('[') {
            Kind::Duration
        } else {
            Kind::Number
        }
    } else if first.is_alphabetic() || first == '_' {
        if WORDS.contains(&text) {
            Kind::Word
        } else if matches!(inside, Some('{' | 'l')) {
            Kind::Label
        } else if after.starts_with('(') || after.starts_with(" by") {
            Kind::Function
        } else {
            Kind::Metric
        }
    } else {
        Kind::Sign
    }
}

fn follows_grouping(tokens: &[Token]) -> bool {
    let before = tokens.iter().rev().find(|token| token.kind != Kind::Space);
    before.is_some_and(|token| matches!(token.text.as_str(), "by" | "without" | "on" | "ignoring"))
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    #[test]
    fn joined_tokens_are_the_expression() {
        let expression = "sum by (a, b) (rate(x{c=~\"5..\",d!=\"}\"}[5m])) / 0.5 >= bool 2\nunless on (a) m:n:rate5m";
        let joined: String = tokens(expression)
            .iter()
            .map(|token| token.text.as_str())
            .collect();
        assert_eq!(joined, expression);
    }

    #[test]
    fn each_name_is_known_for_what_it_is() {
        let of = |kind| -> Vec<String> {
            tokens("max by (pod) (rate(up{job=\"x\"}[1h])) > 0.9 and on (ns) a:b")
                .into_iter()
                .filter(|token| token.kind == kind)
                .map(|token| token.text)
                .collect()
        };
        assert_eq!(of(Kind::Function), ["max", "rate"]);
        assert_eq!(of(Kind::Metric), ["up", "a:b"]);
        assert_eq!(of(Kind::Label), ["pod", "job", "ns"]);
        assert_eq!(of(Kind::Duration), ["1h"]);
        assert_eq!(of(Kind::Number), ["0.9"]);
        assert_eq!(of(Kind::Word), ["by", "and", "on"]);
    }
}
