//! Reads requests: bodies under a limit and a deadline, strict JSON, media types, conditions.

use super::problem::{Fault, Problem, ProblemKind};
use crate::domain::{Condition, User, UserId, Version};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// Reads a body of at most `limit` bytes that has to arrive within `deadline`.
pub(super) async fn read_body(
    headers: &HeaderMap,
    body: &mut Incoming,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    // Most bodies come with their headers: no timer is set for those.
    let mut collecting = Box::pin(collect(body, limit));
    if let Some(outcome) = (&mut collecting).now_or_never() {
        return outcome;
    }
    tokio::time::timeout(deadline, collecting)
        .await
        .unwrap_or_else(|_| {
            Err(ProblemKind::RequestTimeout.with_detail("the body did not arrive in time"))
        })
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, Problem> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| ProblemKind::MalformedRequest.with_detail("the body broke off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length > limit {
            return Err(too_large(limit));
        }
        match first {
            None => first = Some(data),
            Some(ref first) => {
                if rest.is_empty() {
                    rest.extend_from_slice(first);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() {
        first.unwrap_or_default()
    } else {
        rest.freeze()
    })
}

fn too_large(limit: usize) -> Problem {
    ProblemKind::ContentTooLarge.with_detail(format!("the body may have at most {limit} bytes"))
}

/// The body that the edge has read.
pub(super) async fn body_of(request: Request<Full<Bytes>>) -> Bytes {
    match request.into_body().collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(never) => match never {},
    }
}

/// Parses strict JSON (RFC 8259): a key that is given twice is refused.
pub(super) fn parse_json(body: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| ProblemKind::MalformedRequest.with_detail("the body is not UTF-8"))?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = Strict
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value));
    value.map_err(|error| {
        ProblemKind::MalformedRequest
            .with_detail(format!("the body is not JSON as it has to be: {error}"))
    })
}

/// Builds a value like `serde_json`'s own, but refuses duplicate keys.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict)?;
            if object.contains_key(&key) {
                return Err(serde::de::Error::custom(format_args!(
                    "the key {key:?} is given twice"
                )));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The media type of the body without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    value
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
}

/// Demands a body of type `application/json`; otherwise `listing` tells the client what is taken.
pub(super) fn demand_json(headers: &HeaderMap, listing: HeaderName) -> Result<(), Problem> {
    if media_type(headers) == "application/json" {
        return Ok(());
    }
    let problem =
        ProblemKind::UnsupportedMediaType.with_detail("the body has to be application/json");
    Err(problem.with_header(listing, HeaderValue::from_static("application/json")))
}

/// Demands that the client takes `offered`, such as `application/json` (RFC 9110, 12.5.1).
pub(super) fn demand_acceptable(headers: &HeaderMap, offered: &'static str) -> Result<(), Problem> {
    let mut given = false;
    // The most specific range that matches decides: 3 for the type itself, 2 for its family, 1 for anything.
    let mut decided: (u8, bool) = (0, false);
    for value in headers.get_all(ACCEPT) {
        let Ok(value) = value.to_str() else { continue };
        for range in value
            .split(',')
            .map(str::trim)
            .filter(|range| !range.is_empty())
        {
            given = true;
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or("").to_ascii_lowercase();
            let specificity = match name.as_str() {
                name if name == offered => 3,
                "*/*" => 1,
                name if name
                    .strip_suffix("/*")
                    .is_some_and(|family| offered.split('/').next() == Some(family)) =>
                {
                    2
                }
                _ => continue,
            };
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .or(part.strip_prefix("Q="))
                    .is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            if specificity >= decided.0 {
                decided = (specificity, !refused);
            }
        }
    }
    if given && !decided.1 {
        return Err(ProblemKind::NotAcceptable.with_detail(format!("this resource is {offered}")));
    }
    Ok(())
}

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

/// The strong entity tag of a version.
pub(super) fn entity_tag(version: Version) -> HeaderValue {
    let mut tag = Vec::with_capacity(22);
    tag.push(b'"');
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = version.0.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    tag.extend_from_slice(&digits[at..]);
    tag.push(b'"');
    HeaderValue::from_maybe_shared(Bytes::from(tag)).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// What a list of entity tags names.
enum Tags {
    Any,
    /// The versions among them; tags that are none of ours match nothing.
    Versions(Vec<Version>),
}

fn read_tags(headers: &HeaderMap, name: HeaderName, weak_too: bool) -> Option<Tags> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let mut versions = Vec::new();
    for value in values {
        for tag in value.to_str().unwrap_or("").split(',').map(str::trim) {
            if tag == "*" {
                return Some(Tags::Any);
            }
            let strong = if weak_too {
                tag.strip_prefix("W/").unwrap_or(tag)
            } else {
                tag
            };
            let digits = strong
                .strip_prefix('"')
                .and_then(|tag| tag.strip_suffix('"'));
            // Only the form that we give out is one of ours: no sign, no leading zero.
            let version = digits
                .filter(|d| !d.starts_with(['0', '+', '-']))
                .and_then(|d| d.parse().ok());
            versions.extend(version.map(Version));
        }
    }
    Some(Tags::Versions(versions))
}

fn read_date(headers: &HeaderMap, name: HeaderName) -> Option<i64> {
    let time = httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
    i64::try_from(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// The condition under which a change is to be made (RFC 9110, 13.2.2).
pub(super) fn read_condition(
    headers: &HeaderMap,
    require_if_match: bool,
) -> Result<Condition, Problem> {
    match read_tags(headers, IF_MATCH, false) {
        Some(Tags::Any) => return Ok(Condition::Exists),
        Some(Tags::Versions(versions)) => {
            return Ok(match versions[..] {
                [version] => Condition::At(version),
                _ => Condition::AnyOf(versions),
            });
        }
        None if require_if_match => return Err(ProblemKind::PreconditionRequired.into_problem()),
        None => {}
    }
    if let Some(second) = read_date(headers, IF_UNMODIFIED_SINCE) {
        return Ok(Condition::UnchangedSince(second));
    }
    Ok(match read_tags(headers, IF_NONE_MATCH, true) {
        Some(Tags::Any) => Condition::Never,
        Some(Tags::Versions(versions)) => Condition::NoneOf(versions),
        None => Condition::Exists,
    })
}

/// Whether the client has the present representation of `user` already (RFC 9110, 13.1.2 and 13.1.3).
pub(super) fn is_not_modified(headers: &HeaderMap, user: &User) -> bool {
    match read_tags(headers, IF_NONE_MATCH, true) {
        Some(Tags::Any) => true,
        Some(Tags::Versions(versions)) => versions.contains(&user.version),
        None => read_date(headers, IF_MODIFIED_SINCE)
            .is_some_and(|since| user.updated_at.unix_seconds() <= since),
    }
}

/// A fault of the whole body.
pub(super) fn whole_body_fault(detail: impl Into<String>) -> Problem {
    Problem::of_faults(vec![Fault {
        pointer: String::new(),
        detail: detail.into(),
    }])
}

#[cfg(test)]
mod tests {
    use super::{demand_acceptable, entity_tag, parse_json, read_condition, user_id};
    use crate::domain::{Condition, Version};
    use http::{HeaderMap, HeaderValue, header};

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn json_is_strict() {
        assert!(parse_json(br#"{"a": [1, -2, 3.5, "x", null, true, {"b": {}}]}"#).is_ok());
        for bad in [
            &b"{\"a\":1,\"a\":2}"[..],
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"{\"a\":1} x",
            b"",
            b"\xff",
            b"\"\\ud800\"",
            b"{'a':1}",
        ] {
            assert!(parse_json(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn the_most_specific_range_of_accept_decides() {
        for (accept, taken) in [
            ("*/*", true),
            ("application/*;q=0.5", true),
            ("text/html, application/json;q=0.9", true),
            ("text/html", false),
            ("application/json;q=0, */*", false),
            ("application/json, */*;q=0", true),
        ] {
            assert_eq!(
                demand_acceptable(&headers(header::ACCEPT, accept), "application/json").is_ok(),
                taken,
                "{accept}"
            );
        }
        assert!(demand_acceptable(&HeaderMap::new(), "application/json").is_ok());
    }

    #[test]
    fn only_strong_tags_of_ours_satisfy_if_match() {
        let condition = |value| read_condition(&headers(header::IF_MATCH, value), false).unwrap();
        assert_eq!(condition("\"7\""), Condition::At(Version(7)));
        assert_eq!(condition("*"), Condition::Exists);
        assert_eq!(
            condition("\"7\", \"9\""),
            Condition::AnyOf(vec![Version(7), Version(9)])
        );
        for stale in ["W/\"7\"", "\"x\"", "7", "\"07\"", "\"+7\"", ""] {
            assert_eq!(condition(stale), Condition::AnyOf(vec![]), "{stale}");
        }
        assert!(read_condition(&HeaderMap::new(), true).is_err());
    }

    #[test]
    fn a_version_and_its_tag_name_each_other() {
        for version in [1, 10, i64::MAX] {
            assert_eq!(
                entity_tag(Version(version)),
                format!("\"{version}\"").as_str()
            );
        }
    }

    #[test]
    fn an_id_may_be_percent_encoded_and_nothing_else_is_one() {
        let id = "01936f5e-8c3a-7000-8000-000000000001";
        assert!(user_id(&format!("/v1/users/{id}")).is_ok());
        assert!(user_id(&format!("/v1/users/%30{}", &id[1..])).is_ok());
        assert!(user_id("/v1/users/%ff").is_err());
        assert!(user_id("/v1/users/1").is_err());
    }
}
