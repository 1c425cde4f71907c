//! Conditions (RFC 9110, 13): entity tags and dates that a request is bound to, in the order of 13.2.2.
//!
//! A condition with a valid value is never dropped; a tag that is not ours matches nothing.

use super::dates::parse_http_date;
use crate::domain::{Condition, User, Version};
use crate::http::problem::{Problem, ProblemKind};
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName};

/// Appends the strong entity tag of a version.
pub(in crate::http) fn write_entity_tag(out: &mut Vec<u8>, version: Version) {
    out.push(b'"');
    out.extend_from_slice(itoa::Buffer::new().format(version.0).as_bytes());
    out.push(b'"');
}

/// The version that an opaque tag (what stands between the quotes) names: only in the form that is given out, without
/// sign or leading zero.
fn version_of(opaque: &[u8]) -> Option<Version> {
    let digits = std::str::from_utf8(opaque).ok()?;
    let is_ours = !digits.starts_with(['0', '+', '-']);
    is_ours.then(|| digits.parse().ok().map(Version)).flatten()
}

/// How entity tags are compared (RFC 9110, 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// A weak tag matches nothing.
    Strong,
    /// A weak tag matches like a strong one.
    Weak,
}

/// What a field with entity tags names.
enum Tags {
    /// `*`: whatever there is.
    Any,
    /// The versions among them.
    Versions(Vec<Version>),
}

fn read_tags(headers: &HeaderMap, name: HeaderName, comparison: Comparison) -> Option<Tags> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if first.as_bytes().trim_ascii() == b"*" && values.next().is_none() {
        return Some(Tags::Any);
    }
    let mut versions = Vec::new();
    for value in [first].into_iter().chain(values) {
        let tags = EntityTags(value.as_bytes());
        let matching = tags.filter(|tag| comparison == Comparison::Weak || !tag.is_weak);
        versions.extend(matching.filter_map(|tag| version_of(tag.opaque)));
    }
    Some(Tags::Versions(versions))
}

/// A list of entity tags (RFC 9110, 5.6.1 and 8.8.3). A comma within a tag does not end it; what is not a tag is skipped.
struct EntityTags<'a>(&'a [u8]);

struct EntityTag<'a> {
    is_weak: bool,
    opaque: &'a [u8],
}

impl<'a> Iterator for EntityTags<'a> {
    type Item = EntityTag<'a>;

    fn next(&mut self) -> Option<EntityTag<'a>> {
        loop {
            while let [b' ' | b'\t' | b',', rest @ ..] = self.0 {
                self.0 = rest;
            }
            if self.0.is_empty() {
                return None;
            }
            let (is_weak, start) = match self.0 {
                [b'W', b'/', rest @ ..] => (true, rest),
                all => (false, all),
            };
            if let [b'"', rest @ ..] = start
                && let Some(end) = memchr::memchr(b'"', rest)
            {
                self.0 = &rest[end + 1..];
                let after = self.0.trim_ascii_start();
                if matches!(after, [] | [b',', ..]) {
                    let opaque = &rest[..end];
                    return Some(EntityTag { is_weak, opaque });
                }
            }
            let comma = memchr::memchr(b',', self.0).unwrap_or(self.0.len());
            self.0 = &self.0[comma..];
        }
    }
}

/// Seconds since the Unix epoch; a field that is given twice is not a date.
fn read_date(headers: &HeaderMap, name: HeaderName, now_s: i64) -> Option<i64> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    parse_http_date(value.to_str().ok()?, now_s)
}

/// Whether a request has conditions at all: most have none, and looking for four fields one after the other costs ten times
/// as much as looking once at the few that there are.
fn has_conditions(headers: &HeaderMap) -> bool {
    let is_condition = |name: &HeaderName| {
        [
            IF_MATCH,
            IF_NONE_MATCH,
            IF_MODIFIED_SINCE,
            IF_UNMODIFIED_SINCE,
        ]
        .contains(name)
    };
    headers.keys().any(is_condition)
}

/// The condition under which a change is to be made. `now_s` is the present, in seconds since the Unix epoch.
///
/// # Errors
/// 428 when `If-Match` is required and absent.
pub(in crate::http) fn read_condition(
    headers: &HeaderMap,
    require_if_match: bool,
    now_s: i64,
) -> Result<Condition, Problem> {
    if !has_conditions(headers) && !require_if_match {
        return Ok(Condition::Exists);
    }
    let first = match read_tags(headers, IF_MATCH, Comparison::Strong) {
        Some(Tags::Any) => Condition::Exists,
        Some(Tags::Versions(versions)) => match versions[..] {
            [version] => Condition::At(version),
            _ => Condition::AnyOf(versions),
        },
        None if require_if_match => return Err(ProblemKind::PreconditionRequired.into_problem()),
        None => read_date(headers, IF_UNMODIFIED_SINCE, now_s)
            .map_or(Condition::Exists, Condition::UnchangedSince),
    };
    Ok(match read_tags(headers, IF_NONE_MATCH, Comparison::Weak) {
        Some(Tags::Any) => Condition::Never,
        Some(Tags::Versions(versions)) => first.and(Condition::NoneOf(versions)),
        None => first,
    })
}

/// Whether the client has the present representation of `user` already.
///
/// # Errors
/// 412 when the client wants another one than there is.
pub(in crate::http) fn is_not_modified(
    headers: &HeaderMap,
    user: &User,
    now_s: i64,
) -> Result<bool, Problem> {
    if !has_conditions(headers) {
        return Ok(false);
    }
    let is_wanted = match read_tags(headers, IF_MATCH, Comparison::Strong) {
        Some(Tags::Any) => true,
        Some(Tags::Versions(versions)) => versions.contains(&user.version),
        None => read_date(headers, IF_UNMODIFIED_SINCE, now_s)
            .is_none_or(|since| user.updated_at.unix_seconds() <= since),
    };
    if !is_wanted {
        return Err(ProblemKind::PreconditionFailed.into_problem());
    }
    Ok(match read_tags(headers, IF_NONE_MATCH, Comparison::Weak) {
        Some(Tags::Any) => true,
        Some(Tags::Versions(versions)) => versions.contains(&user.version),
        None => read_date(headers, IF_MODIFIED_SINCE, now_s)
            .is_some_and(|since| user.updated_at.unix_seconds() <= since),
    })
}

/// What the conditions of a request say of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Precondition {
    /// All of them hold.
    Holds,
    /// `If-Match` does not.
    Failed,
    /// `If-None-Match` does not: the client has, or expects, nothing else than there is.
    Present,
}

/// The conditions on a resource that exists, and has neither an entity tag nor a date of its last change.
pub(in crate::http) fn precondition_without_validators(headers: &HeaderMap) -> Precondition {
    if !has_conditions(headers) {
        return Precondition::Holds;
    }
    if let Some(Tags::Versions(_)) = read_tags(headers, IF_MATCH, Comparison::Strong) {
        return Precondition::Failed;
    }
    match read_tags(headers, IF_NONE_MATCH, Comparison::Weak) {
        Some(Tags::Any) => Precondition::Present,
        _ => Precondition::Holds,
    }
}

#[cfg(test)]
mod tests {
    use super::{read_condition, write_entity_tag};
    use crate::domain::{Condition, Version};
    use http::{HeaderMap, HeaderValue, header};

    fn headers(name: header::HeaderName, value: &'static [u8]) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).unwrap())])
    }

    #[test]
    fn only_strong_tags_of_ours_satisfy_if_match() {
        let condition = |value: &'static [u8]| {
            read_condition(&headers(header::IF_MATCH, value), false, 0).unwrap()
        };
        for one in [
            &b"\"7\""[..],
            b" \"7\" ",
            b"\"x\", \"7\"",
            b"\"\xe9\",\"7\"",
            b"\"a,*,b\",\"7\"",
        ] {
            assert_eq!(
                condition(one),
                Condition::At(Version(7)),
                "{}",
                one.escape_ascii()
            );
        }
        assert_eq!(condition(b"*"), Condition::Exists);
        assert_eq!(
            condition(b"\"7\", \"9\""),
            Condition::AnyOf(vec![Version(7), Version(9)])
        );
        for stale in [
            &b"W/\"7\""[..],
            b"\"x\"",
            b"7",
            b"\"07\"",
            b"\"+7\"",
            b"",
            b"\"a,*,b\"",
            b"\"a,\"7\",b\"",
            b"\"7\"x",
            b"*, \"x\"",
        ] {
            let stale_text = stale.escape_ascii();
            assert_eq!(condition(stale), Condition::AnyOf(vec![]), "{stale_text}");
        }
        assert!(read_condition(&HeaderMap::new(), true, 0).is_err());
    }

    #[test]
    fn every_condition_of_a_change_has_to_hold() {
        let mut both = headers(header::IF_MATCH, b"\"7\"");
        both.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"8\""));
        let condition = read_condition(&both, false, 0).unwrap();
        let parts = [
            Condition::At(Version(7)),
            Condition::NoneOf(vec![Version(8)]),
        ];
        assert_eq!(condition, Condition::All(parts.into()));
        both.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        assert_eq!(read_condition(&both, false, 0).unwrap(), Condition::Never);
    }

    #[test]
    fn a_version_and_its_tag_name_each_other() {
        for version in [1, 10, i64::MAX] {
            let mut tag = Vec::new();
            write_entity_tag(&mut tag, Version(version));
            assert_eq!(tag, format!("\"{version}\"").as_bytes());
        }
    }
}
