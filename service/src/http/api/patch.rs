//! Patches of a user: merge patches (RFC 7396) and JSON patches (RFC 6902), applied to its representation.
//!
//! What was sent is checked, and not what came out of it alone. Knows nothing of the store.

mod apply;
mod equality;
mod operations;

use super::user_json::{
    SERVER_MEMBERS, read_changed_profile, refuse_other_members, server_member_fault, to_value,
};
use crate::domain::{Profile, User};
use crate::http::problem::{Fault, Problem, ProblemKind};
use crate::http::read_request::{MemoryBudget, Strict, media_type, parse_with};
use apply::apply_operations;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use json_patch::PatchOperation;
use operations::read_operations;
use serde_json::Value;

/// The media types of patches, as `Accept-Patch` lists them.
pub(in crate::http) const ACCEPT_PATCH: &str =
    "application/merge-patch+json, application/json-patch+json, application/json";

/// The header field that lists them (RFC 5789, 3.1).
pub(in crate::http) const ACCEPT_PATCH_HEADER: HeaderName = HeaderName::from_static("accept-patch");

/// A patch that was read but not applied yet.
pub(super) enum Patch {
    /// RFC 7396.
    Merge(Value),
    /// RFC 6902.
    Json {
        /// In the order in which they are applied.
        operations: Vec<PatchOperation>,
        /// The memory that its copies may take, in bytes.
        copy_limit_bytes: usize,
    },
}

impl Patch {
    /// Reads a patch of the media type that the headers name, from a body of at most `body_limit_bytes`.
    ///
    /// # Errors
    /// 415 for another media type, 400 and 413 for a body that is not a patch or takes too much memory, 422 for members
    /// that no user has or only the server sets.
    pub(super) fn read(
        headers: &HeaderMap,
        body: &[u8],
        body_limit_bytes: usize,
    ) -> Result<Self, Problem> {
        let budget = MemoryBudget::of_body(body_limit_bytes);
        match media_type(headers).as_str() {
            "application/merge-patch+json" | "application/json" => {
                let patch = parse_with(body, &budget, Strict(&budget))?;
                refuse_other_members_of(&patch)?;
                Ok(Self::Merge(patch))
            }
            "application/json-patch+json" => Ok(Self::Json {
                operations: read_operations(body, &budget)?,
                copy_limit_bytes: body_limit_bytes,
            }),
            _ => Err(ProblemKind::UnsupportedMediaType
                .with_detail("Accept-Patch lists the media types of patches")
                .with_header(ACCEPT_PATCH_HEADER, HeaderValue::from_static(ACCEPT_PATCH))),
        }
    }

    /// Whether the outcome depends on what the user holds already: a client could learn from it what it may not read.
    pub(super) fn reads(&self) -> bool {
        let Self::Json { operations, .. } = self else {
            return false;
        };
        operations.iter().any(|operation| {
            matches!(
                operation,
                PatchOperation::Test(_) | PatchOperation::Copy(_) | PatchOperation::Move(_)
            )
        })
    }

    /// The profile that the patch makes of `user`. What it leaves as it was is not checked again: a value that was
    /// stored under older rules does not stand in the way of a change of another.
    ///
    /// # Errors
    /// 409 for a test that does not hold, 422 for a patch that cannot be applied or leads to what no user is.
    pub(super) fn apply(&self, user: &User) -> Result<Profile, Problem> {
        let before = to_value(user);
        let mut after = before.clone();
        match self {
            Self::Merge(patch) => json_patch::merge(&mut after, patch),
            Self::Json {
                operations,
                copy_limit_bytes,
            } => apply_operations(&mut after, operations, *copy_limit_bytes)?,
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
        read_changed_profile(after, &user.profile)
    }
}

/// A merge patch may name a member to remove it, so that nothing of it is left to be seen in the outcome.
fn refuse_other_members_of(patch: &Value) -> Result<(), Problem> {
    let mut faults: Vec<Fault> = Vec::new();
    if let Value::Object(members) = patch {
        refuse_other_members(members, &mut faults);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Problem::of_faults(faults))
    }
}

#[cfg(test)]
mod tests {
    use super::Patch;
    use crate::domain::{EmailAddress, PersonName, Timestamp, User, UserId, UserStatus};
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
        let profile = Patch::read(&headers, patch.to_string().as_bytes(), 65_536)
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
        assert_eq!(
            apply(
                "application/json-patch+json",
                &json!([{"op": "add", "path": "/updated_at", "value": "1970-01-01T00:00:00.000000Z"}])
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
    fn a_member_that_no_user_has_is_refused_even_where_it_is_removed() {
        for patch in [json!({"phnoe": null}), json!({"phnoe": null, "title": "T"})] {
            assert_eq!(apply("application/merge-patch+json", &patch), Err(422));
        }
    }

    #[test]
    fn what_a_patch_leaves_as_it_was_is_not_checked_again() {
        let stored = User {
            profile: crate::domain::Profile {
                email: EmailAddress::from_stored("ada@xn--a.example"),
                name: PersonName::from_stored("\u{200b}"),
                phone: None,
                title: None,
                department: None,
                status: UserStatus::Active,
            },
            ..apply("application/merge-patch+json", &json!({})).unwrap()
        };
        let patch = |body: Value| {
            let patch = Patch::Merge(body).apply(&stored);
            patch.map_err(|problem| problem.kind.status().as_u16())
        };
        assert_eq!(
            patch(json!({"title": "T"})).unwrap().email,
            stored.profile.email
        );
        assert_eq!(patch(json!({"email": "bob@xn--a.example"})), Err(422));
    }
}
