//! The fuzz targets of SCIM: filters, and patches (`http/fuzzing.rs` lists all).

#![allow(
    clippy::expect_used,
    reason = "a panic is how a fuzz target reports a defect"
)]

use super::Resource;
use super::error::{ScimError, ScimType};
use super::filter::{Filter, MAX_FILTER_BYTES};
use super::patch::Patch;
use super::path::AttributePath;
use super::profile::ProviderProfile;
use super::projection::Projection;
use super::resource::accept;
use super::schema::{MAX_TEXT_BYTES, MAX_VALUES};
use serde_json::{Value, json};

/// The most bytes that strings take in a resource: of two attributes with many values of two strings, and fewer than 20
/// with a single one. JSON writes a byte as six at most.
const LARGEST_BYTES: usize = (2 * 2 * MAX_VALUES + 20) * 6 * MAX_TEXT_BYTES;

/// The user that filters are matched with, and patches applied to.
pub(in crate::http) fn barbara() -> Resource {
    let user = json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        ],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "BJensen",
        "userName": "bjensen@example.com",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "active": true,
        "emails": [
            { "type": "work", "value": "bjensen@example.com", "primary": true },
            { "type": "home", "value": "babs@jensen.org" }
        ],
        "meta": { "resourceType": "User", "lastModified": "2011-05-13T04:42:34Z" },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Tours" }
    });
    let Value::Object(user) = user else {
        unreachable!("the literal above is an object");
    };
    user
}

/// A filter, an attribute path, and the names of a projection. A filter that is printed is read back as it was.
pub(in crate::http) fn filter(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(filter) = Filter::parse(&text) {
        filter.matches(&barbara());
        let printed = filter.to_string();
        match Filter::parse(&printed) {
            Ok(again) => assert_eq!(again, filter, "{printed}"),
            // Printing may add a pair of parentheses, and escapes.
            Err(error) => assert!(is_limit(&error), "{printed}: {error}"),
        }
    }
    if let Ok(path) = AttributePath::parse(&text) {
        assert_eq!(path.to_string(), text, "a path is kept as it was sent");
        path.canonical();
    }
    if let Ok(projection) = Projection::parse(Some(&text), None) {
        let projected = projection.apply(barbara());
        assert!(projected.contains_key("id") && projected.contains_key("schemas"));
    }
}

/// The first byte chooses the profile, and whether the rest is a patch or a user. What comes out is a valid user.
pub(in crate::http) fn patch(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else {
        return;
    };
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    if kind & 2 != 0 {
        if let Ok(user) = accept(&body) {
            check(&user);
        }
        return;
    }
    let Ok(patch) = Patch::parse(&body) else {
        return;
    };
    let profile = ProviderProfile::ALL[usize::from(kind & 1)];
    let before = barbara();
    let outcome = patch.apply(&before, profile);
    assert_eq!(
        outcome,
        patch.apply(&before, profile),
        "a patch has one outcome"
    );
    let Ok(after) = outcome else {
        return;
    };
    for name in ["id", "meta"] {
        assert_eq!(after.get(name), before.get(name), "set by the server");
    }
    check(&after);
}

/// What is stored is of the declared types, bounded, and accepted again as it is.
fn check(user: &Resource) {
    let value = Value::Object(user.clone());
    let mut again = accept(&value).expect("a valid user");
    for name in ["id", "meta"] {
        if let Some(value) = user.get(name) {
            again.insert(name.to_owned(), value.clone());
        }
    }
    assert_eq!(again, *user, "a user is accepted as it was");
    assert!(value.to_string().len() <= LARGEST_BYTES, "a bounded user");
}

fn is_limit(error: &ScimError) -> bool {
    error.scim_type == ScimType::InvalidFilter
        && (error.detail.contains("nest deeper")
            || error
                .detail
                .contains(&format!("longer than {MAX_FILTER_BYTES}")))
}
