//! What a condition's fields are read as.

use super::{changed_tag, read_condition, write_entity_tag};
use crate::domain::{Condition, Version};
use http::{HeaderMap, HeaderValue, header};

fn headers(name: header::HeaderName, value: &'static [u8]) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).unwrap())])
}

#[test]
fn a_tag_of_ours_satisfies_if_match_as_given_out_and_as_a_compressing_proxy_changes_it() {
    let condition =
        |value: &'static [u8]| read_condition(&headers(header::IF_MATCH, value), false, 0).unwrap();
    for one in [
        &b"\"7\""[..],
        b" \"7\" ",
        b"\"x\", \"7\"",
        b"\"\xe9\",\"7\"",
        b"\"a,*,b\",\"7\"",
        b"W/\"7\"",
        b"\"7-gzip\"",
        b"\"7-br\"",
        b"\"7-zstd\"",
        b"\"7-deflate\"",
        b"\"7--gzip\"",
        b"W/\"7-gzip\"",
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
        condition(b"\"7\", W/\"9\""),
        Condition::AnyOf(vec![Version(7), Version(9)])
    );
    for stale in [
        &b"\"x\""[..],
        b"7",
        b"\"07\"",
        b"\"+7\"",
        b"",
        b"\"a,*,b\"",
        b"\"a,\"7\",b\"",
        b"\"7\"x",
        b"*, \"x\"",
        b"w/\"7\"",
        b"\"7-\"",
        b"\"-gzip\"",
        b"\"7-gzi\"",
        b"\"7-gzip-br\"",
        b"\"7---gzip\"",
        b"\"7\"-gzip",
        b"\"-7-gzip\"",
        b"\"07-gzip\"",
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
fn a_304_has_the_tag_under_which_the_client_stored_the_version() {
    for (sent, expected) in [
        (r#""7""#, None),
        (r#"W/"7""#, Some(r#"W/"7""#)),
        (r#""9-gzip", "7-gzip" , W/"7""#, Some(r#""7-gzip""#)),
        (r#""7-gzip", "7""#, None),
        (r#""9""#, None),
    ] {
        let tag = changed_tag(&headers(header::IF_NONE_MATCH, sent.as_bytes()), Version(7));
        assert_eq!(tag, expected.map(HeaderValue::from_static), "{sent}");
    }
}

#[test]
fn a_version_and_its_tag_name_each_other() {
    for version in [1, 10, i64::MAX] {
        let mut tag = Vec::new();
        write_entity_tag(&mut tag, Version(version));
        assert_eq!(tag, format!("\"{version}\"").as_bytes());
    }
}
