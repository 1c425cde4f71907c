//! Reads requests: bodies under a limit and a deadline, strict JSON, media types, conditions, ids.

mod body;
mod conditions;
mod dates;
mod host;
mod json;
mod media_types;
mod sizes;
mod unsupported_fields;

use super::problem::{Problem, ProblemKind};
use crate::domain::UserId;

pub(super) use body::{Arrival, begin_body, finish_body};
pub(super) use conditions::{
    Precondition, Stored, precondition_without_validators, read_condition, read_stored,
    write_entity_tag,
};
pub(super) use host::require_host;
pub(super) use json::{MemoryBudget, Strict, given_twice, memory_of, parse_json, parse_with};
pub(super) use media_types::{media_type, require_acceptable, require_identity, require_json};
pub(super) use sizes::check_sizes;
pub(super) use unsupported_fields::refuse_unsupported_fields;

/// The id in the path `/v1/users/{id}`.
pub(super) fn user_id(path: &str) -> Result<UserId, Problem> {
    let raw = path.rsplit('/').next().unwrap_or("");
    let id = if raw.contains('%') {
        percent_encoding::percent_decode_str(raw)
            .decode_utf8()
            .ok()
            .and_then(|raw| UserId::parse(&raw))
    } else {
        UserId::parse(raw)
    };
    id.ok_or_else(|| ProblemKind::UserNotFound.into_problem())
}

#[cfg(test)]
mod tests {
    use super::user_id;

    #[test]
    fn an_id_may_be_percent_encoded_and_nothing_else_is_one() {
        let id = "01936f5e-8c3a-7000-8000-000000000001";
        assert!(user_id(&format!("/v1/users/{id}")).is_ok());
        assert!(user_id(&format!("/v1/users/%30{}", &id[1..])).is_ok());
        assert!(user_id("/v1/users/%ff").is_err());
        assert!(user_id("/v1/users/1").is_err());
    }
}
