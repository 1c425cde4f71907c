//! Generated patches of generated users.

use super::super::patch::{PATCH_OP, Patch};
use super::super::profile::ProviderProfile;
use super::super::schema::{ENTERPRISE, USER};
use super::Case;
use super::users::{TYPES, WORDS, pick, user};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What `scim-patch` does in another way.
pub(super) const DIFFERENCES: [&str; 17] = [
    "a complex value without a path",
    "a filter that selects nothing",
    "a listed value to remove",
    "a part of every value",
    "a single value for several",
    "add to what brackets select",
    "an extension without a path",
    "booleans as strings",
    "case of names",
    "not declared",
    "null",
    "op in upper case",
    "primary",
    "replace without a value",
    "required or set by the server",
    "the whole of what brackets select",
    "wrong type",
];

type Touches = BTreeSet<&'static str>;

/// A user, and a patch of one to three operations.
pub(super) fn case(random: &mut Rng) -> Case {
    let mut touches = Touches::new();
    let before = user(random);
    let profile = pick(random, &ProviderProfile::ALL);
    let mut operations: Vec<Value> = (0..=random.usize(..3))
        .map(|_| operation(random, profile, &mut touches))
        .collect();
    let mut schemas = json!([PATCH_OP]);
    match random.u8(..100) {
        0 => schemas = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]),
        1 => operations.clear(),
        2 => operations[0]["op"] = json!(pick(random, &["move", "", "adds"])),
        3 => operations[0] = json!({ "op": "remove" }),
        4 => {
            let op = pick(random, &["add", "replace"]);
            if op == "replace" {
                touches.insert("replace without a value");
            }
            operations[0] = json!({ "op": op, "path": "title" });
        }
        5 => operations[0] = json!({ "op": "add", "path": "emails[type eq", "value": "x" }),
        6 => operations[0] = json!({ "op": "add", "path": 7, "value": "x" }),
        _ => {}
    }
    let body = json!({ "schemas": schemas, "Operations": operations });
    let outcome = Patch::parse(&body).and_then(|patch| patch.apply(&before, profile));
    Case {
        question: json!({
            "resource": before,
            "body": body,
            "treatMissingAsAdd": profile == ProviderProfile::Entra,
        }),
        answer: outcome.map_or(Value::Null, Value::Object),
        touches,
    }
}

fn operation(random: &mut Rng, profile: ProviderProfile, touches: &mut Touches) -> Value {
    if random.u8(..10) == 0 {
        let (name, operation) = different(random);
        touches.insert(name);
        return operation;
    }
    let op = pick(random, &["add", "replace", "Add", "Replace"]);
    match random.u8(..12) {
        0..=3 => set_simple(random, op),
        4 => json!({ "op": op, "path": "name", "value": name(random) }),
        5 => {
            json!({ "op": op, "path": pick(random, &["emails", "phoneNumbers"]), "value": [value(random)] })
        }
        6 | 7 => {
            let path = format!("{}.value", filtered(random));
            // The standard has no word on an add whose filter selects nothing.
            if profile == ProviderProfile::Rfc && op.eq_ignore_ascii_case("add") {
                touches.insert("add to what brackets select");
            }
            json!({ "op": op, "path": path, "value": fresh(random) })
        }
        8 => {
            let mut members = json!({ "title": fresh(random), "active": random.bool() });
            members[format!("{ENTERPRISE}:department")] = json!(fresh(random));
            members["name.givenName"] = json!(fresh(random));
            members["emails"] = json!([value(random)]);
            json!({ "op": op, "value": members })
        }
        9 | 10 => {
            let department = format!("{ENTERPRISE}:department");
            let paths = [
                "title",
                "name.givenName",
                "name",
                "emails",
                "phoneNumbers",
                "displayName",
                department.as_str(),
            ];
            json!({ "op": pick(random, &["remove", "Remove"]), "path": pick(random, &paths) })
        }
        _ => {
            touches.insert("a filter that selects nothing");
            let sub = pick(random, &["", ".value", ".type"]);
            json!({ "op": "remove", "path": format!("{}{sub}", filtered(random)) })
        }
    }
}

fn set_simple(random: &mut Rng, op: &str) -> Value {
    if random.u8(..4) == 0 {
        return json!({ "op": op, "path": "active", "value": random.bool() });
    }
    let paths = [
        "title".to_owned(),
        "displayName".to_owned(),
        "externalId".to_owned(),
        "userName".to_owned(),
        "name.givenName".to_owned(),
        "name.familyName".to_owned(),
        format!("{USER}:title"),
        format!("{ENTERPRISE}:department"),
        format!("{ENTERPRISE}:employeeNumber"),
        format!("{ENTERPRISE}:manager.value"),
    ];
    let path = &paths[random.usize(..paths.len())];
    json!({ "op": op, "path": path, "value": fresh(random) })
}

/// An operation that touches a known difference.
fn different(random: &mut Rng) -> (&'static str, Value) {
    let op = pick(random, &["add", "replace"]);
    if random.bool() {
        different_value(random, op)
    } else {
        different_selection(random, op)
    }
}

fn different_value(random: &mut Rng, op: &str) -> (&'static str, Value) {
    let text = fresh(random);
    let (name, path, value) = match random.u8(..8) {
        0 => {
            let value = json!({ "name": name(random) });
            ("a complex value without a path", "", value)
        }
        1 => {
            let value = json!({ ENTERPRISE: { "department": text } });
            ("an extension without a path", "", value)
        }
        2 => ("a single value for several", "emails", value(random)),
        3 => {
            let value = pick(random, &["True", "False"]);
            ("booleans as strings", "active", json!(value))
        }
        4 => ("case of names", "TITLE", json!(text)),
        5 => ("not declared", "nickName", json!(text)),
        6 => ("null", "title", Value::Null),
        _ => ("wrong type", "title", json!(7)),
    };
    (name, json!({ "op": op, "path": path, "value": value }))
}

fn different_selection(random: &mut Rng, op: &str) -> (&'static str, Value) {
    let emails = filtered(random);
    let text = fresh(random);
    let part = json!({ "value": text });
    let (name, op, path, value) = match random.u8(..9) {
        0 => {
            let listed = json!([{ "value": pick(random, &WORDS) }]);
            ("a listed value to remove", "remove", "emails", listed)
        }
        1 => ("a part of every value", op, "emails.value", json!(text)),
        2 => ("add to what brackets select", "add", &*emails, part),
        3 => {
            let upper = if op == "add" { "ADD" } else { "REPLACE" };
            ("op in upper case", upper, "title", json!(text))
        }
        4 => {
            let value = json!([{ "value": text, "primary": true }]);
            ("primary", op, "emails", value)
        }
        5 => {
            let path = format!("{emails}.primary");
            return (
                "primary",
                json!({ "op": "replace", "path": path, "value": true }),
            );
        }
        6 => {
            let path = pick(random, &["userName", "id"]);
            ("required or set by the server", "remove", path, Value::Null)
        }
        7 => (
            "the whole of what brackets select",
            "replace",
            &*emails,
            part,
        ),
        _ => {
            let path = "emails[type eq \"none\" and value pr].value";
            (
                "a filter that selects nothing",
                "replace",
                path,
                json!(text),
            )
        }
    };
    (name, json!({ "op": op, "path": path, "value": value }))
}

/// An attribute with the filter on one of its types.
fn filtered(random: &mut Rng) -> String {
    let attribute = pick(random, &["emails", "phoneNumbers"]);
    format!("{attribute}[type eq \"{}\"]", pick(random, &TYPES))
}

fn name(random: &mut Rng) -> Value {
    let part = pick(random, &["givenName", "familyName", "middleName"]);
    json!({ part: fresh(random) })
}

fn value(random: &mut Rng) -> Value {
    json!({ "type": pick(random, &TYPES), "value": fresh(random) })
}

/// A string that no user has yet.
fn fresh(random: &mut Rng) -> String {
    format!("{}-{}", pick(random, &WORDS), random.u32(..))
}
