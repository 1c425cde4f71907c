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
    /// White space, or a comment.
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
    /// A duration.
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
        let length = length_of(rest, first);
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

fn length_of(rest: &str, first: char) -> usize {
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    if first.is_whitespace() {
        run(char::is_whitespace)
    } else if first == '#' {
        run(|c| c != '\n')
    } else if matches!(first, '"' | '\'' | '`') {
        string(rest, first)
    } else if first.is_ascii_digit() {
        number(rest)
    } else if first.is_alphabetic() || first == '_' {
        run(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
    } else if TWO_SIGNS.iter().any(|signs| rest.starts_with(signs)) {
        2
    } else {
        first.len_utf8()
    }
}

/// A string with its quotes; an unclosed one extends to the end, and promtool rejects it.
fn string(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = c == '\\' && !is_escaped && quote != '`';
    }
    rest.len()
}

/// A number such as `0.5`, `1e-6` or `0x1f`, or a duration such as `1h30m`.
fn number(rest: &str) -> usize {
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
            .unwrap_or(text.len())
    };
    let length = digits(rest);
    let (text, after) = rest.split_at(length);
    let has_signed_exponent =
        text.ends_with(['e', 'E']) && !text.starts_with("0x") && after.starts_with(['+', '-']);
    if has_signed_exponent {
        length + 1 + digits(&after[1..])
    } else {
        length
    }
}

fn is_duration(text: &str) -> bool {
    text.ends_with(['s', 'm', 'h', 'd', 'w', 'y']) && !text.starts_with("0x")
}

/// Whether an expression goes on as it does after a function's or an aggregation's name.
fn is_called(after: &str) -> bool {
    let after = after.trim_start();
    let word = after
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next();
    after.starts_with('(') || matches!(word, Some("by" | "without"))
}

fn kind_of(text: &str, first: char, after: &str, inside: Option<char>) -> Kind {
    if first.is_whitespace() || first == '#' {
        Kind::Space
    } else if matches!(first, '"' | '\'' | '`') {
        Kind::Text
    } else if first.is_ascii_digit() {
        if is_duration(text) {
            Kind::Duration
        } else {
            Kind::Number
        }
    } else if first.is_alphabetic() || first == '_' {
        if WORDS.contains(&text) {
            Kind::Word
        } else if matches!(inside, Some('{' | 'l')) {
            Kind::Label
        } else if is_called(after) {
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

    #[test]
    fn every_form_of_a_name_a_number_and_a_string_is_one_token() {
        for (expression, kind, expected) in [
            (
                "x * 1e6 + 2.5e-3 > 0x1f",
                Kind::Number,
                vec!["1e6", "2.5e-3", "0x1f"],
            ),
            ("x * 2e+1+1", Kind::Number, vec!["2e+1", "1"]),
            ("x offset 1h30m > 5", Kind::Duration, vec!["1h30m"]),
            ("avg_over_time(x[1h:5m])", Kind::Duration, vec!["1h", "5m"]),
            (
                r#"x{a="b\"c",d='e\\',f=`g\`}"#,
                Kind::Text,
                vec![r#""b\"c""#, r"'e\\'", r"`g\`"],
            ),
            (
                "sum (x) + max without (a) (y)",
                Kind::Function,
                vec!["sum", "max"],
            ),
            ("x # y > 1\n> 2", Kind::Number, vec!["2"]),
            ("bytes > \"", Kind::Text, vec!["\""]),
        ] {
            let found: Vec<_> = tokens(expression)
                .into_iter()
                .filter(|token| token.kind == kind)
                .map(|token| token.text)
                .collect();
            assert_eq!(found, expected, "{expression}");
        }
    }
}
