//! Parameters and responses of the operations; the route table says which operation has which.

#![allow(
    dead_code,
    reason = "the fields are read by the derive that describes them, not by code"
)]

use super::documents::{ChangesPage, KeySet, Root, TokenResponse, UserDocument, UserPage};
use utoipa::{IntoParams, IntoResponses};
use uuid::Uuid;

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::http) struct UserPath {
    /// The user's id
    id: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::http) struct ReadConditions {
    /// Entity tags of the versions that the client has
    #[param(rename = "If-None-Match", required = false, nullable)]
    if_none_match: Option<String>,
    /// Entity tags of the versions that the client accepts
    #[param(rename = "If-Match", required = false, nullable)]
    if_match: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::http) struct WriteConditions {
    /// The entity tag of the version that is changed
    #[param(rename = "If-Match", required = false, nullable)]
    if_match: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::http) struct IdempotencyParameters {
    /// Names this attempt for 24 hours: 1 to 255 visible ASCII characters
    #[param(
        rename = "Idempotency-Key",
        required = false,
        nullable,
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$"
    )]
    idempotency_key: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::http) struct ProblemPath {
    /// The last segment of a problem's type
    #[param(example = "email-taken")]
    slug: String,
}

#[derive(IntoResponses)]
pub(in crate::http) enum ListUsersResponses {
    /// A page of users
    #[response(status = 200, headers(("Link" = String, description = "The next page, while there is one (RFC 8288)")))]
    Page(UserPage),
}

#[derive(IntoResponses)]
pub(in crate::http) enum QueryUsersResponses {
    /// A page of users
    #[response(status = 200)]
    Page(UserPage),
}

#[derive(IntoResponses)]
pub(in crate::http) enum CreateUserResponses {
    /// The user was created
    #[response(status = 201, headers(
        ("ETag" = String, description = "The strong entity tag of this version"),
        ("Location" = String, description = "The path of the user"),
        ("Idempotency-Replayed" = bool, description = "True when an earlier attempt had created the user")
    ))]
    Created(UserDocument),
}

#[derive(IntoResponses)]
pub(in crate::http) enum ReadUserResponses {
    /// The user
    #[response(status = 200, headers(
        ("ETag" = String, description = "The strong entity tag of this version"),
        ("Last-Modified" = String, description = "When the user was last changed")
    ))]
    Found(UserDocument),
    /// The client has the present version
    #[response(status = 304)]
    NotModified,
}

#[derive(IntoResponses)]
pub(in crate::http) enum ChangeUserResponses {
    /// The user as the change left it
    #[response(status = 200, headers(
        ("ETag" = String, description = "The strong entity tag of this version"),
        ("Last-Modified" = String, description = "When the user was last changed")
    ))]
    Changed(UserDocument),
}

#[derive(IntoResponses)]
pub(in crate::http) enum PatchUserResponses {
    /// The user as the change left it
    #[response(status = 200, headers(
        ("ETag" = String, description = "The strong entity tag of this version"),
        ("Last-Modified" = String, description = "When the user was last changed")
    ))]
    Changed(UserDocument),
    /// The user was changed, and the client does not have the scope to read it
    #[response(status = 204, headers(
        ("ETag" = String, description = "The strong entity tag of this version"),
        ("Last-Modified" = String, description = "When the user was last changed")
    ))]
    ChangedUnseen,
}

#[derive(IntoResponses)]
pub(in crate::http) enum DeleteUserResponses {
    /// The user was deleted
    #[response(status = 204)]
    Deleted,
}

#[derive(IntoResponses)]
pub(in crate::http) enum ReadChangesResponses {
    /// Committed changes in commit order
    #[response(status = 200)]
    Page(ChangesPage),
}

#[derive(IntoResponses)]
pub(in crate::http) enum ExportUsersResponses {
    /// One user a line, as JSON or CSV, and in JSON a last record with the number of users and the cursor of the change feed
    #[response(status = 200, content_type = "application/jsonl", headers(
        ("Changes-Cursor" = String, description = "Where the change feed continues this snapshot; also a trailer field, which says that the body is complete")
    ))]
    Users(String),
}

#[derive(IntoResponses)]
pub(in crate::http) enum ImportUsersResponses {
    /// One JSON object a line: a record that is reported, and last the numbers of all
    #[response(status = 200, content_type = "application/jsonl", headers(
        ("Idempotency-Replayed" = bool, description = "True when the import had come to its end before")
    ))]
    Report(String),
}

#[derive(IntoResponses)]
pub(in crate::http) enum IssueTokenResponses {
    /// A token with the requested scopes; with all scopes of the client when none are requested
    #[response(status = 200)]
    Issued(TokenResponse),
}

#[derive(IntoResponses)]
pub(in crate::http) enum ReadKeysResponses {
    /// The keys that verify Roster's own tokens (RFC 7517)
    #[response(status = 200)]
    Keys(KeySet),
}

#[derive(IntoResponses)]
pub(in crate::http) enum ReadProblemResponses {
    /// What the problem means
    #[response(status = 200, content_type = "text/plain; charset=utf-8")]
    Explanation(String),
}

#[derive(IntoResponses)]
pub(in crate::http) enum ReadRootResponses {
    /// Name, version and links
    #[response(status = 200)]
    Root(Root),
}
