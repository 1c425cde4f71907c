//! Generated filters, well-formed and not, each with a few users to match.

use super::super::filter::Filter;
use super::super::schema::{ENTERPRISE, USER};
use super::Case;
use super::users::{TYPES, WORDS, pick, user};
use fastrand::Rng;
use serde_json::Value;
use std::collections::BTreeSet;

/// What `scim2-parse-filter` does in another way.
pub(super) const DIFFERENCES: [&str; 13] = [
    "a boolean as a string",
    "a complex attribute means its value",
    "a sub-attribute after brackets",
    TOGETHER,
    "case",
    "dateTime",
    "JSON escapes",
    "ne or null without a value",
    "not after an expression",
    "not without parentheses",
    "part of what is not a string",
    "the order of booleans and null",
    "the URN of the core schema",
];

/// The oracle asks each condition in brackets of all values.
const TOGETHER: &str = "brackets ask several values together";

type Touches = BTreeSet<&'static str>;

/// A filter, with the answers for five users.
pub(super) fn case(random: &mut Rng) -> Case {
    let mut touches = Touches::new();
    let mut filter = any_of(random, 3, false, &mut touches);
    if random.u8(..8) == 0 {
        filter = spoiled(random, &filter);
        // The oracle takes `a pr not (b pr)`.
        if filter.to_lowercase().contains("not") {
            touches.insert("not after an expression");
        }
    }
    let mut users: Vec<_> = (0..5).map(|_| user(random)).collect();
    // With one value each, there is no difference.
    if random.u8(..10) > 0 && touches.remove(TOGETHER) {
        for attribute in ["emails", "phoneNumbers"] {
            for values in users.iter_mut().filter_map(|user| user.get_mut(attribute)) {
                values
                    .as_array_mut()
                    .into_iter()
                    .for_each(|values| values.truncate(1));
            }
        }
    }
    let answer = match Filter::parse(&filter) {
        Ok(filter) => users.iter().map(|user| filter.matches(user)).collect(),
        Err(_) => Value::Null,
    };
    Case {
        question: serde_json::json!({ "filter": filter, "resources": users }),
        answer,
        touches,
    }
}

fn any_of(random: &mut Rng, depth: u8, in_value: bool, touches: &mut Touches) -> String {
    let parts: Vec<String> = (0..=random.usize(..3))
        .map(|_| operand(random, depth, in_value, touches))
        .collect();
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push_str(pick(random, &[" and ", " or ", " AND ", " Or "]));
        }
        text.push_str(part);
    }
    text
}

fn operand(random: &mut Rng, depth: u8, in_value: bool, touches: &mut Touches) -> String {
    match random.u8(..10) {
        0 | 1 if depth > 0 => format!("({})", any_of(random, depth - 1, in_value, touches)),
        2 if depth > 0 => {
            let not = pick(random, &["not (", "not(", "NOT ("]);
            format!("{not}{})", any_of(random, depth - 1, in_value, touches))
        }
        3 if random.u8(..20) == 0 => {
            touches.insert("not without parentheses");
            format!("not {}", comparison(random, in_value, touches))
        }
        4 | 5 if depth > 0 && !in_value => {
            let attribute = pick(random, &["emails", "phoneNumbers", "EMAILS"]);
            let inner = any_of(random, depth - 1, true, touches);
            let lower = inner.to_lowercase();
            if lower.contains("and") || lower.contains("not") {
                touches.insert(TOGETHER);
            }
            if random.u8(..20) == 0 {
                touches.insert("a sub-attribute after brackets");
                let word = pick(random, &WORDS);
                return format!("{attribute}[{inner}].value eq \"{word}\"");
            }
            format!("{attribute}[{inner}]")
        }
        _ => comparison(random, in_value, touches),
    }
}

fn comparison(random: &mut Rng, in_value: bool, touches: &mut Touches) -> String {
    if random.u8(..12) == 0 {
        return different(random, in_value, touches);
    }
    if random.u8(..5) == 0 {
        let path = if in_value { "primary" } else { "active" };
        return format!("{path} eq {}", random.bool());
    }
    let path = string_path(random, in_value);
    if random.u8(..6) == 0 {
        return format!("{path} {}", pick(random, &["pr", "PR", "Pr"]));
    }
    let operators = ["eq", "EQ", "co", "Co", "sw", "ew", "gt", "ge", "lt", "le"];
    let operator = pick(random, &operators);
    format!("{path} {operator} \"{}\"", word(random))
}

/// A comparison that touches a known difference.
fn different(random: &mut Rng, in_value: bool, touches: &mut Touches) -> String {
    let path = string_path(random, in_value);
    let boolean = if in_value { "primary" } else { "active" };
    let chosen = random.usize(..10);
    let (name, text) = match chosen {
        0 => {
            let operator = pick(random, &["eq", "sw", "gt"]);
            let word = word(random).to_uppercase();
            ("case", format!("{path} {operator} \"{word}\""))
        }
        1 => {
            let value = pick(random, &["null", "\"b\"", "true"]);
            ("ne or null without a value", format!("{path} ne {value}"))
        }
        2 => ("ne or null without a value", format!("{path} eq null")),
        3 => {
            let value = pick(random, &["7", "true", "null"]);
            ("part of what is not a string", format!("{path} co {value}"))
        }
        4 => {
            let value = pick(random, &["true", "null"]);
            let operator = pick(random, &["gt", "le"]);
            let text = format!("{boolean} {operator} {value}");
            ("the order of booleans and null", text)
        }
        5 => ("a boolean as a string", format!("{boolean} eq \"True\"")),
        6 => ("JSON escapes", format!("{path} ne \"\\u0062\"")),
        7 if !in_value => ("the URN of the core schema", format!("{USER}:userName pr")),
        8 if !in_value => {
            let word = word(random);
            let text = format!("emails co \"{word}\"");
            ("a complex attribute means its value", text)
        }
        _ if !in_value => (
            "dateTime",
            "meta.created gt \"2011-05-13T06:42:33+02:00\"".to_owned(),
        ),
        _ => return format!("{path} pr"),
    };
    touches.insert(name);
    text
}

fn string_path(random: &mut Rng, in_value: bool) -> String {
    if in_value {
        pick(random, &["value", "type", "VALUE", "display"]).to_owned()
    } else {
        let extension = |name: &str| format!("{ENTERPRISE}:{name}");
        match random.u8(..12) {
            0 => extension("department"),
            1 => extension("manager.value"),
            _ => pick(
                random,
                &[
                    "userName",
                    "username",
                    "externalId",
                    "displayName",
                    "title",
                    "name.givenName",
                    "Name.FamilyName",
                    "emails.value",
                    "emails.type",
                    "phoneNumbers.value",
                    "id",
                    "nickName",
                ],
            )
            .to_owned(),
        }
    }
}

fn word(random: &mut Rng) -> &'static str {
    if random.u8(..4) == 0 {
        pick(random, &TYPES)
    } else {
        pick(random, &WORDS)
    }
}

/// The filter with a word too much, too few, or another one.
fn spoiled(random: &mut Rng, filter: &str) -> String {
    let mut words: Vec<&str> = filter.split(' ').collect();
    let at = random.usize(..words.len());
    match random.u8(..4) {
        0 => {
            words.remove(at);
        }
        1 => words.insert(
            at,
            pick(random, &["and", "eq", "(", ")", "]", "title", "\"x\"", "7"]),
        ),
        2 => words[at] = pick(random, &["is", "pr", "eq", "'x'", "{}", "\"x", ".", "not"]),
        _ => words.truncate(at),
    }
    words.join(" ")
}
