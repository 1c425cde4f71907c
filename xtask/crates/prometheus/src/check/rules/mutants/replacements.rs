//! Replacements for operators, functions, numbers and names: the tables of faults. Must not know about rules.

use super::column;
use crate::rule_files::promql::{Kind, Token};

/// The replacements for one token.
pub(super) fn replacements(cut: &[Token], place: usize) -> Vec<(String, String)> {
    let token = &cut[place];
    let text = token.text.as_str();
    let others: Vec<String> = match token.kind {
        Kind::Sign | Kind::Word | Kind::Function => operators(text, &neighbours(cut, place))
            .iter()
            .map(|&other| other.to_owned())
            .collect(),
        Kind::Metric => vec![format!("{text}_renamed")],
        Kind::Text => vec![format!("{}not-{}", &text[..1], &text[1..])],
        Kind::Number => numbers(text),
        Kind::Duration => durations(text),
        Kind::Space | Kind::Label => Vec::new(),
    };
    others
        .into_iter()
        .map(|other| {
            (
                format!("`{text}` became `{other}`, at {}", column(cut, place)),
                other,
            )
        })
        .collect()
}

/// The context that decides which faults have an effect.
struct Neighbours {
    /// `0 * sum(x)` is 0 wherever there is an `x`, and so are `0 / sum(x)`, `0 * min(x)` and `0 * count(x)`.
    times_zero: bool,
    /// A bracket follows directly: an aggregation without `by`.
    before_bracket: bool,
    /// The value compared with a literal number can equal it exactly: it is not a rate, and no product follows.
    before_plain_number: bool,
}

fn neighbours(cut: &[Token], place: usize) -> Neighbours {
    let solid = |token: &&Token| token.kind != Kind::Space;
    let mut after = cut[place + 1..].iter().filter(solid);
    let is_number = after.next().is_some_and(|token| token.kind == Kind::Number);
    let mut before = cut[..place].iter().rev().filter(solid);
    let mut text_before = || before.next().map(|token| token.text.as_str());
    let (last, last_but_one) = (text_before(), text_before());
    Neighbours {
        times_zero: last == Some("0") || (last_but_one, last) == (Some("0"), Some("*")),
        before_bracket: cut.get(place + 1).is_some_and(|token| token.text == "("),
        before_plain_number: is_number
            && after.next().is_none_or(|token| token.text != "*")
            && !cut
                .iter()
                .any(|token| token.text.starts_with("namespace_job_slo:")),
    }
}

#[allow(clippy::match_same_arms, reason = "a table: one row for each operator")]
fn operators(text: &str, near: &Neighbours) -> &'static [&'static str] {
    let Neighbours {
        times_zero,
        before_bracket,
        before_plain_number,
    } = *near;
    match text {
        ">" if before_plain_number => &["<", ">="],
        ">" => &["<"],
        ">=" if before_plain_number => &["<", ">"],
        ">=" => &["<"],
        "<" => &[">"],
        "<=" => &[">"],
        "==" => &["!="],
        "+" => &["-"],
        "-" => &["+"],
        "*" if times_zero => &[],
        "*" => &["/"],
        "/" => &["*"],
        "and" => &["or", "unless"],
        "or" => &["and"],
        "unless" => &["and"],
        "sum" if times_zero => &[],
        "sum" => &["min", "count"],
        "max" => &["min", "sum"],
        "min" => &["max"],
        "count" if before_bracket => &["absent"],
        "count" => &["min"],
        "rate" | "increase" => &["last_over_time"],
        "avg_over_time" | "sum_over_time" => &["max_over_time"],
        "last_over_time" => &["count_over_time"],
        "round" => &["ceil"],
        "clamp_min" => &["clamp_max"],
        _ => &[],
    }
}

fn numbers(text: &str) -> Vec<String> {
    let Ok(number) = text.parse::<f64>() else {
        return Vec::new();
    };
    if number == 0.0 {
        vec!["1000000".to_owned()]
    } else {
        vec![format!("{}", number * 2.0), format!("{}", number / 2.0)]
    }
}

fn durations(text: &str) -> Vec<String> {
    let Ok(window) = crate::slo::Window::try_from(text.to_owned()) else {
        return Vec::new();
    };
    vec![
        format!("{}s", window.seconds() * 4),
        format!("{}s", window.seconds() / 4),
    ]
}
