//! Generated users: every attribute may be missing.

use super::super::schema::ENTERPRISE;
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// The strings of users. Nothing is in upper case: the oracles always compare exactly.
pub(super) const WORDS: [&str; 12] = [
    "babs",
    "babs jensen",
    "jensen",
    "b",
    "work",
    "home",
    "a]b",
    "(c)",
    "d.e",
    "zoë",
    "7",
    "tours",
];
/// What addresses are used for.
pub(super) const TYPES: [&str; 3] = ["work", "home", "other"];

/// One of a list.
pub(super) fn pick<T: Copy>(random: &mut Rng, list: &[T]) -> T {
    list[random.usize(..list.len())]
}

/// A user as the server keeps it.
pub(super) fn user(random: &mut Rng) -> Map<String, Value> {
    let mut user = Map::new();
    user.insert(
        "schemas".to_owned(),
        json!(["urn:ietf:params:scim:schemas:core:2.0:User"]),
    );
    user.insert("id".to_owned(), json!("2819c223"));
    let meta = json!({ "created": "2011-05-13T04:42:34Z", "resourceType": "User" });
    user.insert("meta".to_owned(), meta);
    user.insert("userName".to_owned(), json!(pick(random, &WORDS)));
    for name in ["externalId", "displayName", "title"] {
        if random.bool() {
            user.insert(name.to_owned(), json!(pick(random, &WORDS)));
        }
    }
    if random.bool() {
        user.insert("active".to_owned(), json!(random.bool()));
    }
    let mut name = Map::new();
    for part in ["givenName", "familyName"] {
        if random.bool() {
            name.insert(part.to_owned(), json!(pick(random, &WORDS)));
        }
    }
    if !name.is_empty() {
        user.insert("name".to_owned(), Value::Object(name));
    }
    let mut primary = random.bool();
    for attribute in ["emails", "phoneNumbers"] {
        let values: Vec<Value> = (0..random.usize(..4))
            .map(|_| value(random, &mut primary))
            .collect();
        if !values.is_empty() {
            user.insert(attribute.to_owned(), Value::from(values));
        }
        primary = false;
    }
    if random.bool() {
        let mut extension = Map::new();
        extension.insert("department".to_owned(), json!(pick(random, &WORDS)));
        if random.bool() {
            extension.insert(
                "manager".to_owned(),
                json!({ "value": pick(random, &WORDS) }),
            );
        }
        user.insert(ENTERPRISE.to_owned(), Value::Object(extension));
    }
    user
}

fn value(random: &mut Rng, primary: &mut bool) -> Value {
    let mut value = json!({ "value": pick(random, &WORDS) });
    if random.u8(..4) > 0 {
        value["type"] = json!(pick(random, &TYPES));
    }
    if std::mem::take(primary) {
        value["primary"] = json!(true);
    }
    value
}
