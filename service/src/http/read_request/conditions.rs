//! Conditions (RFC 9110, 13): entity tags and dates that a request is bound to, in the order of 13.2.2.
//!
//! A condition with a valid value is never dropped; a tag that is not ours matches nothing. A tag is ours as it was given
//! out, and as a proxy that compresses changes it (`docs/adr/0078-entity-tags-behind-compressing-proxies.md`).

use super::dates::parse_http_date;
use crate::domain::{Condition, User, Version};
use crate::http::problem::{Problem, ProblemKind};
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Appends the strong entity tag of a version.
pub(in crate::http) fn write_entity_tag(out: &mut Vec<u8>, version: Version) {
    out.push(b'"');
    out.extend_from_slice(itoa::Buffer::new().format(version.0).as_bytes());
    out.push(b'"');
}

/// What Apache, Caddy and Jetty append to an opaque tag when they compress: one of these after `-` or `--`.
const CODINGS: [&str; 4] = ["gzip", "br", "zstd", "deflate"];

/// The version that an opaque tag (what stands between the quotes) names: in the form that is given out, without sign
/// or leading zero, or followed by the content coding that a proxy has applied.
fn version_of(opaque: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(opaque).ok()?;
    let digits = match text.split_once('-') {
        None => text,
        Some((digits, coding)) => {
            let coding = coding.strip_prefix('-').unwrap_or(coding);
            CODINGS.contains(&coding).then_some(digits)?
        }
    };
    let is_ours = !digits.starts_with(['0', '+', '-']);
    is_ours.then(|| digits.parse().ok().map(Version)).flatten()
}

/// What a field with entity tags names.
enum Tags {
    /// `*`: whatever there is.
    Any,
    /// The versions among them.
    Versions(Vec<Version>),
}

/// Weak tags count as well, in `If-Match` too: Roster gives out strong ones only, so that a weak one of ours comes from a
/// proxy and names one version all the same.
fn read_tags(headers: &HeaderMap, name: HeaderName) -> Option<Tags> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if first.as_bytes().trim_ascii() == b"*" && values.next().is_none() {
        return Some(Tags::Any);
    }
    let mut versions = Vec::new();
    for value in [first].into_iter().chain(values) {
        let tags = EntityTags(value.as_bytes());
        versions.extend(tags.filter_map(|tag| version_of(tag.opaque)));
    }
    Some(Tags::Versions(versions))
}

/// A list of entity tags (RFC 9110, 5.6.1 and 8.8.3), weak or strong. A comma within a tag does not end it; what is not a
/// tag is skipped.
struct EntityTags<'a>(&'a [u8]);

struct EntityTag<'a> {
    /// As it was sent.
    whole: &'a [u8],
    /// What stands between the quotes.
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
            let all = self.0;
            let start = all.strip_prefix(b"W/").unwrap_or(all);
            if let [b'"', rest @ ..] = start
                && let Some(end) = memchr::memchr(b'"', rest)
            {
                self.0 = &rest[end + 1..];
                let after = self.0.trim_ascii_start();
                if matches!(after, [] | [b',', ..]) {
                    return Some(EntityTag {
                        whole: &all[..=all.len() - rest.len() + end],
                        opaque: &rest[..end],
                    });
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
    let first = match read_tags(headers, IF_MATCH) {
        Some(Tags::Any) => Condition::Exists,
        Some(Tags::Versions(versions)) => match versions[..] {
            [version] => Condition::At(version),
            _ => Condition::AnyOf(versions),
        },
        None if require_if_match => return Err(ProblemKind::PreconditionRequired.into_problem()),
        None => read_date(headers, IF_UNMODIFIED_SINCE, now_s)
            .map_or(Condition::Exists, Condition::UnchangedSince),
    };
    Ok(match read_tags(headers, IF_NONE_MATCH) {
        Some(Tags::Any) => Condition::Never,
        Some(Tags::Versions(versions)) => first.and(Condition::NoneOf(versions)),
        None => first,
    })
}

/// What a client has of a user.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Stored {
    /// Nothing, or another version.
    Other,
    /// The present one.
    Present,
    /// The present one, under a tag that a proxy changed. To a cache behind that proxy, a 304 with another tag is about
    /// something that it does not have.
    PresentAs(HeaderValue),
}

/// Whether the client has the present representation of `user` already.
///
/// # Errors
/// 412 when the client wants another one than there is.
pub(in crate::http) fn read_stored(
    headers: &HeaderMap,
    user: &User,
    now_s: i64,
) -> Result<Stored, Problem> {
    if !has_conditions(headers) {
        return Ok(Stored::Other);
    }
    let is_wanted = match read_tags(headers, IF_MATCH) {
        Some(Tags::Any) => true,
        Some(Tags::Versions(versions)) => versions.contains(&user.version),
        None => read_date(headers, IF_UNMODIFIED_SINCE, now_s)
            .is_none_or(|since| user.updated_at.unix_seconds() <= since),
    };
    if !is_wanted {
        return Err(ProblemKind::PreconditionFailed.into_problem());
    }
    let is_present = match read_tags(headers, IF_NONE_MATCH) {
        Some(Tags::Any) => true,
        Some(Tags::Versions(versions)) => {
            return Ok(if versions.contains(&user.version) {
                changed_tag(headers, user.version).map_or(Stored::Present, Stored::PresentAs)
            } else {
                Stored::Other
            });
        }
        None => read_date(headers, IF_MODIFIED_SINCE, now_s)
            .is_some_and(|since| user.updated_at.unix_seconds() <= since),
    };
    Ok(if is_present {
        Stored::Present
    } else {
        Stored::Other
    })
}

/// The tag of `If-None-Match` that names this version, if none of them does so as Roster gave it out.
fn changed_tag(headers: &HeaderMap, version: Version) -> Option<HeaderValue> {
    let values = headers.get_all(IF_NONE_MATCH).iter();
    let mut naming = values
        .flat_map(|value| EntityTags(value.as_bytes()))
        .filter(|tag| version_of(tag.opaque) == Some(version))
        .peekable();
    let first = naming.peek()?.whole;
    let is_own = |tag: EntityTag<'_>| tag.whole.starts_with(b"\"") && !tag.opaque.contains(&b'-');
    if naming.any(is_own) {
        return None;
    }
    HeaderValue::from_bytes(first).ok()
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
    if let Some(Tags::Versions(_)) = read_tags(headers, IF_MATCH) {
        return Precondition::Failed;
    }
    match read_tags(headers, IF_NONE_MATCH) {
        Some(Tags::Any) => Precondition::Present,
        _ => Precondition::Holds,
    }
}

#[cfg(test)]
mod tests;
