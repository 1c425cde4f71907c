//! Users as JSON: written straight into the buffer of the response, and read back with every fault named.

use crate::domain::{
    EmailAddress, Label, PersonName, PhoneNumber, Profile, User, UserStatus,
    phone_number::PHONE_NUMBER_RULE,
};
use crate::http::problem::{Fault, Problem};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// About how many bytes a user takes.
pub(super) const TYPICAL_BYTES: usize = 420;

/// The members that only the server sets.
pub(super) const SERVER_MEMBERS: [&str; 3] = ["id", "created_at", "updated_at"];
const CLIENT_MEMBERS: [&str; 6] = ["email", "name", "phone", "title", "department", "status"];

/// Appends `user` as a JSON object.
///
/// Written by hand: no text of the directory holds a control character, so two characters alone need an escape.
pub(super) fn write_user(out: &mut Vec<u8>, user: &User) {
    let profile = &user.profile;
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(user.id.0.hyphenated().encode_lower(&mut id).as_bytes());
    out.extend_from_slice(b"\",\"email\":");
    write_text(out, profile.email.as_str());
    out.extend_from_slice(b",\"name\":");
    write_text(out, profile.name.as_str());
    out.extend_from_slice(b",\"phone\":");
    write_optional(out, profile.phone.as_ref().map(PhoneNumber::as_str));
    out.extend_from_slice(b",\"title\":");
    write_optional(out, profile.title.as_ref().map(Label::as_str));
    out.extend_from_slice(b",\"department\":");
    write_optional(out, profile.department.as_ref().map(Label::as_str));
    out.extend_from_slice(b",\"status\":");
    write_text(out, profile.status.as_str());
    out.extend_from_slice(b",\"created_at\":\"");
    out.extend_from_slice(&user.created_at.rfc3339());
    out.extend_from_slice(b"\",\"updated_at\":\"");
    out.extend_from_slice(&user.updated_at.rfc3339());
    out.extend_from_slice(b"\"}");
}

fn write_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => write_text(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends `text` as a JSON string.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[b'\\', rest[at]]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The representation of `user`, for a patch to be applied to.
pub(super) fn to_value(user: &User) -> Value {
    let profile = &user.profile;
    let text = |bytes: &[u8]| Value::String(String::from_utf8_lossy(bytes).into_owned());
    let optional = |value: Option<&str>| value.map_or(Value::Null, Value::from);
    let members = [
        ("id", Value::String(user.id.0.to_string())),
        ("email", Value::from(profile.email.as_str())),
        ("name", Value::from(profile.name.as_str())),
        (
            "phone",
            optional(profile.phone.as_ref().map(PhoneNumber::as_str)),
        ),
        ("title", optional(profile.title.as_ref().map(Label::as_str))),
        (
            "department",
            optional(profile.department.as_ref().map(Label::as_str)),
        ),
        ("status", Value::from(profile.status.as_str())),
        ("created_at", text(&user.created_at.rfc3339())),
        ("updated_at", text(&user.updated_at.rfc3339())),
    ];
    Value::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// Reads what a client sets of a user.
///
/// # Errors
/// 422, naming every fault.
pub(super) fn read_profile(value: Value) -> Result<Profile, Problem> {
    read(value, None)
}

/// Reads a profile that a client made of `present`; texts that are still the same are not checked again.
///
/// # Errors
/// 422, naming every fault.
pub(super) fn read_changed_profile(value: Value, present: &Profile) -> Result<Profile, Problem> {
    read(value, Some(present))
}

fn read(value: Value, present: Option<&Profile>) -> Result<Profile, Problem> {
    let Value::Object(mut members) = value else {
        return Err(Problem::of_faults(vec![Fault {
            pointer: String::new(),
            detail: "must be a JSON object".into(),
        }]));
    };
    let mut faults = Vec::new();
    refuse_other_members(&members, &mut faults);
    let email = required(&mut members, "email", &mut faults).and_then(|raw| {
        let same = present.map(|present| &present.email);
        if let Some(email) = same.filter(|email| email.as_str() == raw) {
            return Some(email.clone());
        }
        match EmailAddress::parse(&raw) {
            Ok(email) => Some(email),
            Err(error) => fault(&mut faults, "email", error.to_string()),
        }
    });
    let name = required(&mut members, "name", &mut faults).and_then(|raw| {
        let same = present.map(|present| &present.name);
        if let Some(name) = same.filter(|name| name.as_str() == raw) {
            return Some(name.clone());
        }
        match PersonName::parse(&raw) {
            Ok(name) => Some(name),
            Err(error) => fault(&mut faults, "name", error.to_string()),
        }
    });
    let phone =
        optional(&mut members, "phone", &mut faults).and_then(|raw| {
            match PhoneNumber::parse(&raw) {
                Some(phone) => Some(phone),
                None => fault(&mut faults, "phone", PHONE_NUMBER_RULE),
            }
        });
    let same = present.and_then(|present| present.title.as_ref());
    let title = label(&mut members, "title", same, &mut faults);
    let same = present.and_then(|present| present.department.as_ref());
    let department = label(&mut members, "department", same, &mut faults);
    let status = match members.remove("status") {
        None => Some(UserStatus::default()),
        Some(value) => match value.as_str().and_then(UserStatus::parse) {
            Some(status) => Some(status),
            None => fault(&mut faults, "status", "must be \"active\" or \"suspended\""),
        },
    };
    match (email, name, status) {
        (Some(email), Some(name), Some(status)) if faults.is_empty() => Ok(Profile {
            email,
            name,
            phone,
            title,
            department,
            status,
        }),
        _ => Err(Problem::of_faults(faults)),
    }
}

/// Names the members that only the server sets, and those that no user has.
pub(super) fn refuse_other_members(members: &Map<String, Value>, faults: &mut Vec<Fault>) {
    for name in members.keys() {
        if is_server_member(name) {
            faults.push(server_member_fault(name));
        } else if !CLIENT_MEMBERS.contains(&name.as_str()) {
            fault::<()>(faults, name, "is not a field of a user");
        }
    }
}

/// Whether only the server sets this member.
pub(super) fn is_server_member(name: &str) -> bool {
    SERVER_MEMBERS.contains(&name)
}

/// The fault of a client that sets a member of the server's own.
pub(super) fn server_member_fault(name: &str) -> Fault {
    Fault {
        pointer: format!("/{name}"),
        detail: "is set by the server and never accepted from a client".into(),
    }
}

fn required(
    members: &mut Map<String, Value>,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    match members.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(_) => fault(faults, name, "must be a string"),
        None => fault(faults, name, "is required"),
    }
}

fn optional(
    members: &mut Map<String, Value>,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    match members.remove(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => fault(faults, name, "must be a string or null"),
    }
}

fn label(
    members: &mut Map<String, Value>,
    name: &str,
    same: Option<&Label>,
    faults: &mut Vec<Fault>,
) -> Option<Label> {
    optional(members, name, faults).and_then(|raw| {
        if let Some(label) = same.filter(|label| label.as_str() == raw) {
            return Some(label.clone());
        }
        match Label::parse(&raw) {
            Ok(label) => Some(label),
            Err(error) => fault(faults, name, error.to_string()),
        }
    })
}

fn fault<T>(
    faults: &mut Vec<Fault>,
    name: &str,
    detail: impl Into<Cow<'static, str>>,
) -> Option<T> {
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let detail = detail.into();
    faults.push(Fault { pointer, detail });
    None
}

#[cfg(test)]
mod tests {
    use super::{read_profile, to_value, write_user};
    use crate::domain::{Timestamp, User, UserId};
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn user(body: Value) -> User {
        User::new(
            UserId(Uuid::from_u128(7)),
            read_profile(body).unwrap(),
            Timestamp::from_unix_micros(1_767_323_045_678_901),
        )
    }

    #[test]
    fn what_is_written_is_json_with_every_member() {
        let user = user(
            json!({"email": "a\"\\b@example.com".replace(['"', '\\'], "'"), "name": "Q\"uo\\te 😀", "title": "é"}),
        );
        let mut out = Vec::new();
        write_user(&mut out, &user);
        let written: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(written, to_value(&user));
        assert_eq!(written["created_at"], "2026-01-02T03:04:05.678901Z");
        assert_eq!(written["phone"], Value::Null);
        assert_eq!(written["status"], "active");
    }

    #[test]
    fn every_fault_is_named_and_not_the_first_alone() {
        let problem = read_profile(
            json!({"id": 1, "a/b~": 1, "email": "no", "name": " ", "phone": 5, "status": null}),
        )
        .unwrap_err();
        let response = problem.render("/v1/users", "r");
        assert_eq!(response.status(), 422);
        let text = format!("{problem:?}");
        for pointer in ["/id", "/a~1b~0", "/email", "/name", "/phone", "/status"] {
            assert!(
                text.contains(&format!("{pointer:?}")),
                "{pointer} in {text}"
            );
        }
    }
}
