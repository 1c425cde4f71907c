//! SCIM 2.0 (RFC 7643, 7644): the directory as identity providers keep it.

#[cfg_attr(
    not(test),
    allow(dead_code, reason = "no handler calls it yet; tests and fuzzing do")
)]
pub(in crate::http) mod protocol;
