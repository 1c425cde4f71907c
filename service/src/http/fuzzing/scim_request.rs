//! Whole requests of SCIM: filters, patches, users and bulk requests as a provider would send them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a fuzz target reports a defect"
)]

use super::requests::answers;
use crate::http::api::fuzzing::ada;
use memchr::memmem;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

/// The longest text that fits into a URL when each byte of it is percent-encoded.
const LONGEST_IN_URL_BYTES: usize = 2500;

/// The first byte chooses the request, the rest is its filter, its query, its path or its body. None may fail with 5xx, and
/// every error has SCIM's form.
pub(super) fn scim_request(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let request = request(*kind, rest);
    let answer = answers(&request);
    let status = answer
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| {
            std::str::from_utf8(rest.get(..3)?)
                .ok()?
                .parse::<u16>()
                .ok()
        })
        .unwrap_or_else(|| panic!("not an answer: {}", answer.escape_ascii()));
    assert!(status < 500, "a request failed: {}", answer.escape_ascii());
    if status >= 400 {
        let at = memmem::find(&answer, b"\r\n\r\n").expect("the end of the head");
        let error: Value = serde_json::from_slice(&answer[at + 4..]).expect("JSON");
        let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
        assert_eq!(error["schemas"], json!([schema]), "{error}");
        assert_eq!(error["status"], status.to_string(), "{error}");
    }
}

fn request(kind: u8, rest: &[u8]) -> Vec<u8> {
    let users = "/scim/v2/Users";
    let user = format!("{users}/{}", ada().id.0);
    let short = &rest[..rest.len().min(LONGEST_IN_URL_BYTES)];
    let encoded = percent_encode(short, NON_ALPHANUMERIC);
    match kind % 8 {
        0 => message("GET", &format!("{users}?filter={encoded}"), b""),
        1 => message("GET", &format!("{users}?{}", parameters(short)), b""),
        2 => message("POST", &format!("{users}/.search"), rest),
        3 => message("POST", users, rest),
        4 => message("PUT", &user, rest),
        5 => message("PATCH", &user, rest),
        6 => message("PATCH", &user, &patch_of_path(kind, rest)),
        _ => message("POST", "/scim/v2/Bulk", rest),
    }
}

/// A query with names and separators as they are; everything else is percent-encoded.
fn parameters(text: &[u8]) -> String {
    let plain = |part: &[u8]| percent_encode(part, NON_ALPHANUMERIC).to_string();
    let pair = |pair: &[u8]| match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => format!("{}={}", plain(&pair[..at]), plain(&pair[at + 1..])),
        None => plain(pair),
    };
    let pairs: Vec<String> = text.split(|byte| *byte == b'&').map(pair).collect();
    pairs.join("&")
}

/// A patch of one operation whose path is `path`.
fn patch_of_path(kind: u8, path: &[u8]) -> Vec<u8> {
    let op = ["add", "Replace", "remove"][usize::from(kind / 8) % 3];
    let value = [json!("x"), json!({"value": "x"}), json!([{"value": "x"}])];
    let value = &value[usize::from(kind / 24) % 3];
    let operation = json!({"op": op, "path": String::from_utf8_lossy(path), "value": value});
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
    json!({"schemas": schemas, "Operations": [operation]})
        .to_string()
        .into_bytes()
}

fn message(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: roster.example\r\nconnection: close\r\n\
         content-type: application/scim+json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
