//! Patches of a user: merge patches (RFC 7396) and JSON patches (RFC 6902), applied to its representation.

use super::user_json::{SERVER_MEMBERS, read_profile, to_value};
use crate::domain::{Profile, User};
use crate::http::problem::{Fault, Problem, ProblemKind};
use crate::http::read_request::{media_type, parse_json, whole_body_fault};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::Value;

/// The media types of patches, as `Accept-Patch` lists them.
pub(in crate::http) const ACCEPT_PATCH: &str =
    "application/merge-patch+json, application/json-patch+json, application/json";

/// The header field that lists them (RFC 5789, 3.1).
pub(in crate::http) const ACCEPT_PATCH_HEADER: HeaderName = HeaderName::from_static("accept-patch");

/// How large a JSON patch may make the document on its way: copying a document into itself doubles it each time.
const MAX_DOCUMENT_NODES: usize = 20_000;

/// A patch that was read but not applied yet.
pub(super) enum Patch {
    Merge(Value),
    Json(Vec<PatchOperation>),
}

impl Patch {
    /// Reads a patch of the media type that the headers name.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        match media_type(headers).as_str() {
            "application/merge-patch+json" | "application/json" => {
                let patch = parse_json(body)?;
                refuse_server_members(&patch)?;
                Ok(Self::Merge(patch))
            }
            "application/json-patch+json" => read_operations(parse_json(body)?).map(Self::Json),
            _ => Err(ProblemKind::UnsupportedMediaType
                .with_detail("Accept-Patch lists the media types of patches")
                .with_header(ACCEPT_PATCH_HEADER, HeaderValue::from_static(ACCEPT_PATCH))),
        }
    }

    /// The profile that the patch makes of `user`.
    pub(super) fn apply(&self, user: &User) -> Result<Profile, Problem> {
        let before = to_value(user);
        let mut after = before.clone();
        match self {
            Self::Merge(patch) => json_patch::merge(&mut after, patch),
            Self::Json(operations) => apply_operations(&mut after, operations)?,
        }
        if let (Value::Object(before), Value::Object(after)) = (&before, &mut after) {
            let changed = SERVER_MEMBERS
                .into_iter()
                .filter(|name| after.remove(*name).as_ref() != before.get(*name));
            let faults: Vec<_> = changed.map(server_member_fault).collect();
            if !faults.is_empty() {
                return Err(Problem::of_faults(faults));
            }
        }
        read_profile(after)
    }
}

/// The operations of a JSON Patch. What is wrong with one is told without what it holds.
fn read_operations(value: Value) -> Result<Vec<PatchOperation>, Problem> {
    let malformed = |what: String| ProblemKind::MalformedRequest.with_detail(what);
    let Value::Array(items) = value else {
        return Err(malformed("a JSON Patch is an array of operations".into()));
    };
    let operations = items.into_iter().enumerate().map(|(at, item)| {
        serde_json::from_value(item).map_err(|_| {
            malformed(format!(
                "operation {at} is none of a JSON Patch: it needs 'op' (add, remove, replace, move, copy or test), \
                 'path', and 'value' or 'from' where its kind has one; both paths are JSON Pointers"
            ))
        })
    });
    operations.collect()
}

fn apply_operations(document: &mut Value, operations: &[PatchOperation]) -> Result<(), Problem> {
    for (at, operation) in operations.iter().enumerate() {
        json_patch::patch(document, std::slice::from_ref(operation)).map_err(
            |error| match error.kind {
                PatchErrorKind::TestFailed => ProblemKind::PatchTestFailed.with_detail(format!(
                    "operation {at}, a test of '{}', does not hold",
                    error.path
                )),
                _ => whole_body_fault(format!(
                    "operation {at} cannot be applied: its path '{}' does not exist",
                    error.path
                )),
            },
        )?;
        if matches!(operation, PatchOperation::Copy(_)) && nodes(document) > MAX_DOCUMENT_NODES {
            return Err(whole_body_fault(format!(
                "operation {at} makes the document too large"
            )));
        }
    }
    Ok(())
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}

fn refuse_server_members(patch: &Value) -> Result<(), Problem> {
    let Value::Object(members) = patch else {
        return Ok(());
    };
    let faults: Vec<_> = SERVER_MEMBERS
        .into_iter()
        .filter(|name| members.contains_key(*name))
        .map(server_member_fault)
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Problem::of_faults(faults))
    }
}

fn server_member_fault(name: &str) -> Fault {
    Fault {
        pointer: format!("/{name}"),
        detail: "is set by the server and never accepted from a client".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::Patch;
    use crate::domain::{Timestamp, User, UserId};
    use crate::http::api::user_json::{read_profile, to_value};
    use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
    use serde_json::{Value, json};

    fn apply(media_type: &'static str, patch: &Value) -> Result<User, u16> {
        let profile =
            read_profile(json!({"email": "ada@example.com", "name": "Ada", "title": "Analyst"}))
                .unwrap();
        let user = User::new(
            UserId(uuid::Uuid::from_u128(1)),
            profile,
            Timestamp::from_unix_micros(0),
        );
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        let profile = Patch::read(&headers, patch.to_string().as_bytes())
            .and_then(|patch| patch.apply(&user))
            .map_err(|problem| problem.kind.status().as_u16())?;
        Ok(User { profile, ..user })
    }

    #[test]
    fn a_merge_patch_sets_and_removes() {
        let user = apply(
            "application/merge-patch+json",
            &json!({"name": "Ada L.", "title": null, "status": "suspended"}),
        )
        .unwrap();
        let value = to_value(&user);
        assert_eq!(
            (&value["name"], &value["title"], &value["status"]),
            (&json!("Ada L."), &Value::Null, &json!("suspended"))
        );
    }

    #[test]
    fn server_members_are_never_patched() {
        assert_eq!(
            apply("application/merge-patch+json", &json!({"id": null})),
            Err(422)
        );
        assert_eq!(
            apply(
                "application/json-patch+json",
                &json!([{"op": "replace", "path": "/id", "value": "x"}])
            ),
            Err(422)
        );
        assert_eq!(
            apply(
                "application/json-patch+json",
                &json!([{"op": "remove", "path": "/created_at"}])
            ),
            Err(422)
        );
        assert!(apply("application/json-patch+json", &json!([{"op": "test", "path": "/created_at", "value": "1970-01-01T00:00:00.000000Z"}])).is_ok());
    }

    #[test]
    fn a_failed_test_and_a_missing_path_are_told_apart() {
        assert_eq!(
            apply(
                "application/json-patch+json",
                &json!([{"op": "test", "path": "/name", "value": "Bob"}])
            ),
            Err(409)
        );
        assert_eq!(
            apply(
                "application/json-patch+json",
                &json!([{"op": "remove", "path": "/nope"}])
            ),
            Err(422)
        );
        assert_eq!(
            apply(
                "application/json-patch+json",
                &json!([{"op": "frob", "path": "/name"}])
            ),
            Err(400)
        );
        assert_eq!(apply("text/plain", &json!({})), Err(415));
    }

    #[test]
    fn a_patch_that_doubles_the_document_again_and_again_is_stopped() {
        let operations: Vec<_> = (0..64)
            .map(|n| json!({"op": "copy", "from": "", "path": format!("/x{n}")}))
            .collect();
        assert_eq!(
            apply("application/json-patch+json", &Value::Array(operations)),
            Err(422)
        );
    }
}
