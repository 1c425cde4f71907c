//! SCIM 2.0 (RFC 7643, 7644): the directory as identity providers keep it.

#[allow(
    dead_code,
    reason = "no handler calls it yet; tests and fuzzing call most of it"
)]
pub(in crate::http) mod protocol;
