//! Conditions (RFC 9110, 13): entity tags and dates that a request is bound to.

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
pub(in crate::http) fn read_condition(
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
pub(in crate::http) fn is_not_modified(headers: &HeaderMap, user: &User) -> bool {
    match read_tags(headers, IF_NONE_MATCH, true) {
        Some(Tags::Any) => true,
        Some(Tags::Versions(versions)) => versions.contains(&user.version),
        None => read_date(headers, IF_MODIFIED_SINCE)
            .is_some_and(|since| user.updated_at.unix_seconds() <= since),
    }
}

#[cfg(test)]
mod tests {
    use super::{read_condition, write_entity_tag};
    use crate::domain::{Condition, Version};
    use http::{HeaderMap, HeaderValue, header};

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
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
            let mut tag = Vec::new();
            write_entity_tag(&mut tag, Version(version));
            assert_eq!(tag, format!("\"{version}\"").as_bytes());
        }
    }
}
