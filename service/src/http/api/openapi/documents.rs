//! The JSON documents of the API, as types for the OpenAPI derive. The handlers read and write them by hand.

#![allow(
    dead_code,
    reason = "the fields are read by the derive that describes them, not by code"
)]

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A user.
#[derive(ToSchema)]
#[schema(as = User)]
pub(in crate::http) struct UserDocument {
    /// A `UUIDv7` (RFC 9562), assigned by the server.
    #[schema(example = "01936f5e-8c3a-7000-8000-000000000001")]
    id: Uuid,
    /// Unique without regard to case.
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "Ada Lovelace")]
    name: String,
    #[schema(example = "+442071234567", required = true)]
    phone: Option<String>,
    #[schema(example = "Analyst", required = true)]
    title: Option<String>,
    #[schema(example = "Engines", required = true)]
    department: Option<String>,
    status: UserStatusWord,
    /// RFC 3339, UTC, microseconds.
    #[schema(format = DateTime, example = "2026-01-02T03:04:05.678901Z")]
    created_at: String,
    /// RFC 3339, UTC, microseconds.
    #[schema(format = DateTime, example = "2026-01-02T03:04:05.678901Z")]
    updated_at: String,
}

/// Whether the user is active.
#[derive(ToSchema)]
#[schema(as = UserStatus, rename_all = "lowercase")]
pub(in crate::http) enum UserStatusWord {
    Active,
    Suspended,
}

/// The fields of a user that a client sets.
#[derive(ToSchema)]
pub(in crate::http) struct NewUser {
    /// One address: a dot-atom, '@', and a domain of two or more labels; at most 254 bytes.
    #[schema(max_length = 254, example = "ada@example.com")]
    email: String,
    /// Leading and trailing white space is removed; no control characters.
    #[schema(min_length = 1, max_length = 200, example = "Ada Lovelace")]
    name: String,
    /// E.164.
    #[schema(example = "+442071234567")]
    phone: Option<String>,
    /// Leading and trailing white space is removed; no control characters.
    #[schema(min_length = 1, max_length = 100, example = "Analyst")]
    title: Option<String>,
    /// Leading and trailing white space is removed; no control characters.
    #[schema(min_length = 1, max_length = 100, example = "Engines")]
    department: Option<String>,
    #[schema(required = false, default = "active")]
    status: UserStatusWord,
}

/// A merge patch of a user (RFC 7396): null removes a field.
#[derive(ToSchema)]
pub(in crate::http) struct UserPatch {
    #[schema(
        required = false,
        nullable = false,
        max_length = 254,
        example = "ada@example.com"
    )]
    email: Option<String>,
    #[schema(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 200,
        example = "Ada Lovelace"
    )]
    name: Option<String>,
    phone: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    title: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    department: Option<String>,
    status: Option<UserStatusWord>,
}

/// One operation of a JSON Patch (RFC 6902).
#[derive(ToSchema, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(in crate::http) enum PatchOperation {
    /// Adds or replaces a member.
    Add { path: String, value: Value },
    /// Removes a member.
    Remove { path: String },
    /// Replaces an existing member.
    Replace { path: String, value: Value },
    /// Moves the value of a member to another.
    Move { path: String, from: String },
    /// Copies the value of a member to another.
    Copy { path: String, from: String },
    /// Fails the patch unless a member has this value.
    Test { path: String, value: Value },
}

/// A page of users.
#[derive(ToSchema)]
pub(in crate::http) struct UserPage {
    items: Vec<UserDocument>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next: Option<String>,
}

/// The query of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParameters {
    /// Maximum number of users on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
    /// Where the page starts: `next` of the previous page. The other parameters must be unchanged.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// The sort order; ties are broken by id. '-' sorts in descending order.
    #[param(inline)]
    sort: Option<SortWord>,
    /// The user with this address, compared without regard to case.
    #[param(max_length = 254)]
    email: Option<String>,
    /// Users of exactly this department.
    #[param(min_length = 1, max_length = 100)]
    department: Option<String>,
    #[param(inline)]
    status: Option<UserStatusWord>,
    /// Users whose name or address contains this text, compared without regard to case.
    #[param(min_length = 2, max_length = 100)]
    q: Option<String>,
}

/// The query of an export: the filters of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ExportParameters {
    /// The user with this address.
    #[param(max_length = 254, example = "ada@example.com")]
    email: Option<String>,
    /// Users of exactly this department.
    #[param(min_length = 1, max_length = 100)]
    department: Option<String>,
    #[param(inline)]
    status: Option<UserStatusWord>,
    /// Users whose name or address contains this text, compared without regard to case.
    #[param(min_length = 2, max_length = 100)]
    q: Option<String>,
    /// Whether fields of CSV that a spreadsheet would take for a formula get an apostrophe in front.
    #[param(default = false)]
    formula_safe: Option<bool>,
}

/// What is done with users whose address the directory has.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::http) enum ImportModeWord {
    Create,
    Upsert,
    Sync,
}

/// Which records are reported.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::http) enum ReportWord {
    Refused,
    All,
}

/// What is done with users that are not in a synchronisation.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::http) enum AbsentWord {
    Delete,
    Suspend,
}

/// The query of an import.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ImportParameters {
    /// Users whose address the directory has: refused (create, the default) or replaced (upsert, sync). With sync, users
    /// that are not in the import are removed in the end.
    #[param(inline)]
    mode: Option<ImportModeWord>,
    /// The records that the answer reports: those that were refused (the default), or all.
    #[param(inline)]
    report: Option<ReportWord>,
    /// Whether it is only reported what would be done.
    #[param(default = false)]
    dry_run: Option<bool>,
    /// With mode=sync: what is done with users that are not in the import.
    #[param(inline)]
    absent: Option<AbsentWord>,
    /// Required with mode=sync: nothing is removed when more users than this are absent.
    #[param(minimum = 0)]
    max_deletes: Option<u64>,
}

/// The body of QUERY: the parameters of a list as JSON.
#[derive(ToSchema)]
pub(in crate::http) struct ListQuery {
    #[schema(
        minimum = 1,
        maximum = 200,
        default = 50,
        required = false,
        nullable = false
    )]
    limit: Option<u8>,
    #[schema(required = false, nullable = false, min_length = 1)]
    cursor: Option<String>,
    #[schema(required = false, nullable = false)]
    sort: Option<SortWord>,
    #[schema(
        required = false,
        nullable = false,
        max_length = 254,
        example = "ada@example.com"
    )]
    email: Option<String>,
    #[schema(required = false, nullable = false, min_length = 1, max_length = 100)]
    department: Option<String>,
    #[schema(required = false, nullable = false)]
    status: Option<UserStatusWord>,
    #[schema(required = false, nullable = false, min_length = 2, max_length = 100)]
    q: Option<String>,
}

#[derive(ToSchema)]
#[schema(default = "created_at")]
pub(in crate::http) enum SortWord {
    #[schema(rename = "created_at")]
    CreatedAt,
    #[schema(rename = "-created_at")]
    LatestFirst,
    #[schema(rename = "name")]
    Name,
    #[schema(rename = "-name")]
    NameBackwards,
    #[schema(rename = "email")]
    Email,
    #[schema(rename = "-email")]
    EmailBackwards,
}

/// A page of the change feed.
#[derive(ToSchema)]
pub(in crate::http) struct ChangesPage {
    items: Vec<ChangeDocument>,
    /// The cursor to continue from.
    next: String,
}

/// One committed change.
#[derive(ToSchema)]
#[schema(as = Change)]
pub(in crate::http) struct ChangeDocument {
    cursor: String,
    r#type: ChangeWord,
    #[schema(format = DateTime)]
    at: String,
    id: Uuid,
    /// The client that made the change, as its tokens name it; null where it was not recorded.
    #[schema(required = true)]
    actor: Option<String>,
    /// The user as the change left it; null when it was deleted.
    #[schema(required = true)]
    user: Option<UserDocument>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::http) enum ChangeWord {
    Created,
    Updated,
    Deleted,
}

/// The query of the change feed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ChangesParameters {
    /// The cursor of the last change that was read; the feed starts at its beginning when absent.
    #[param(min_length = 1)]
    after: Option<String>,
    /// Maximum number of changes.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
    /// Maximum time to wait for a change when there is none, in seconds.
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: Option<u8>,
}

/// The form of a request for a token (RFC 6749, 4.4.2).
#[derive(ToSchema)]
pub(in crate::http) struct TokenRequest {
    #[schema(pattern = "^client_credentials$", example = "client_credentials")]
    grant_type: String,
    /// Scopes, separated by spaces; all scopes of the client when absent.
    #[schema(
        required = false,
        nullable = false,
        pattern = "^( *users:(read|write)( +users:(read|write))* *)?$",
        example = "users:read users:write"
    )]
    scope: Option<String>,
}

/// A token (RFC 6749, 5.1).
#[derive(ToSchema)]
pub(in crate::http) struct TokenResponse {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: String,
    /// Seconds until the token expires.
    #[schema(example = 3600)]
    expires_in: u32,
    #[schema(example = "users:read users:write")]
    scope: String,
}

/// A key set (RFC 7517).
#[derive(ToSchema)]
pub(in crate::http) struct KeySet {
    keys: Vec<BTreeMap<String, Value>>,
}

/// The root document.
#[derive(ToSchema)]
pub(in crate::http) struct Root {
    #[schema(example = "roster")]
    name: String,
    version: String,
    links: BTreeMap<String, String>,
}

/// A problem document (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
pub(in crate::http) struct ProblemDocument {
    #[schema(example = "/problems/user-not-found")]
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    instance: String,
    request_id: String,
    /// Every fault of an invalid body.
    #[schema(required = false, nullable = false)]
    errors: Option<Vec<FaultDocument>>,
    /// The error code of RFC 6749, 5.2; only from the token endpoint.
    #[schema(required = false, nullable = false)]
    error: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = Fault)]
pub(in crate::http) struct FaultDocument {
    /// A JSON Pointer (RFC 6901).
    #[schema(example = "/email")]
    pointer: String,
    detail: String,
}
