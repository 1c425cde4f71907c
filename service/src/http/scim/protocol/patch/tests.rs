#![allow(
    clippy::needless_pass_by_value,
    reason = "a JSON literal is written where it is used"
)]

use super::super::error::ScimType;
use super::super::profile::ProviderProfile;
use super::super::schema::ENTERPRISE;
use super::{PATCH_OP, Patch};
use serde_json::{Value, json};

pub(super) fn barbara() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "userName": "bjensen@example.com",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "title": "Guide",
        "active": true,
        "emails": [
            { "type": "work", "value": "bjensen@example.com", "primary": true },
            { "type": "home", "value": "babs@jensen.org" }
        ],
        "meta": { "resourceType": "User", "version": "W/\"1\"" }
    })
}

pub(super) fn patched_as(
    profile: ProviderProfile,
    operations: &Value,
) -> Result<Value, (ScimType, String)> {
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    let before = barbara();
    Patch::parse(&body)
        .and_then(|patch| patch.apply(before.as_object().unwrap(), profile))
        .map(Value::Object)
        .map_err(|error| (error.scim_type, error.detail))
}

pub(super) fn patched(operations: Value) -> Value {
    patched_as(ProviderProfile::Rfc, &operations).unwrap()
}

pub(super) fn refused(operations: Value) -> ScimType {
    patched_as(ProviderProfile::Rfc, &operations).unwrap_err().0
}

/// Barbara with other values at these keys; null removes one.
fn with(changes: Value) -> Value {
    let mut expected = barbara();
    let Value::Object(changes) = changes else {
        panic!("not an object: {changes}");
    };
    for (key, value) in changes {
        if value.is_null() {
            expected.as_object_mut().unwrap().remove(&key);
        } else {
            expected[key] = value;
        }
    }
    expected
}

#[test]
fn add_appends_to_what_is_multi_valued_and_sets_the_rest() {
    let home = json!({ "type": "other", "value": "b@example.org" });
    let mut emails = barbara()["emails"].clone();
    emails.as_array_mut().unwrap().push(home.clone());
    for value in [home.clone(), json!([home])] {
        let operation = json!([{ "op": "add", "path": "emails", "value": value }]);
        assert_eq!(patched(operation), with(json!({ "emails": emails })));
    }
    assert_eq!(
        patched(json!([{ "op": "add", "value": { "emails": [home], "title": "Tour Guide" } }])),
        with(json!({ "emails": emails, "title": "Tour Guide" }))
    );
    assert_eq!(
        patched(json!([{ "op": "add", "path": "name", "value": { "middleName": "J" } }])),
        with(
            json!({ "name": { "givenName": "Barbara", "familyName": "Jensen", "middleName": "J" } })
        )
    );
}

#[test]
fn adding_what_is_there_changes_nothing() {
    let value = json!({ "type": "home", "value": "babs@jensen.org" });
    assert_eq!(
        patched(json!([{ "op": "add", "path": "emails", "value": [value] }])),
        barbara()
    );
    assert_eq!(
        patched(json!([{ "op": "add", "path": "title", "value": "Guide" }])),
        barbara()
    );
    assert_eq!(
        patched(json!([{ "op": "add", "path": "title", "value": null }])),
        barbara()
    );
}

#[test]
fn replace_replaces_all_values_and_leaves_other_parts_of_a_complex_one() {
    let value = json!([{ "type": "work", "value": "new@example.com" }]);
    assert_eq!(
        patched(json!([{ "op": "replace", "path": "emails", "value": value }])),
        with(json!({ "emails": value }))
    );
    assert_eq!(
        patched(json!([{ "op": "replace", "value": {
            "emails": value, "name": { "familyName": "Smith" }
        } }])),
        with(json!({ "emails": value, "name": { "givenName": "Barbara", "familyName": "Smith" } }))
    );
    assert_eq!(
        patched(json!([{ "op": "replace", "path": "displayName", "value": "Babs" }])),
        with(json!({ "displayName": "Babs" }))
    );
}

#[test]
fn a_filter_selects_the_values_that_are_replaced() {
    let operation = json!([{ "op": "replace", "path": "emails[type eq \"home\"]",
                             "value": { "value": "new@jensen.org" } }]);
    let mut expected = barbara();
    expected["emails"][1] = json!({ "value": "new@jensen.org" });
    assert_eq!(patched(operation), expected);

    let operation = json!([{ "op": "replace", "path": "emails[type eq \"WORK\"].value",
                             "value": "new@example.com" }]);
    let mut expected = barbara();
    expected["emails"][0]["value"] = json!("new@example.com");
    assert_eq!(patched(operation), expected);

    let operation = json!([{ "op": "add", "path": "emails[value ew \"jensen.org\"]",
                             "value": { "type": "other" } }]);
    let mut expected = barbara();
    expected["emails"][1]["type"] = json!("other");
    assert_eq!(patched(operation), expected);

    let operation = json!([{ "op": "replace", "path": "emails.type", "value": "other" }]);
    let mut expected = barbara();
    expected["emails"][0]["type"] = json!("other");
    expected["emails"][1]["type"] = json!("other");
    assert_eq!(patched(operation), expected);
}

#[test]
fn remove_unassigns() {
    assert_eq!(
        patched(json!([{ "op": "remove", "path": "title" }])),
        with(json!({ "title": null }))
    );
    assert_eq!(
        patched(json!([{ "op": "remove", "path": "name.givenName" }])),
        with(json!({ "name": { "familyName": "Jensen" } }))
    );
    assert_eq!(
        patched(json!([{ "op": "remove", "path": "name.givenName" },
                       { "op": "remove", "path": "NAME.familyname" }])),
        with(json!({ "name": null }))
    );
    assert_eq!(
        patched(json!([{ "op": "remove", "path": "emails" }])),
        with(json!({ "emails": null }))
    );
    assert_eq!(
        patched(
            json!([{ "op": "remove", "path": "emails[type eq \"work\" and primary eq true]" }])
        ),
        with(json!({ "emails": [{ "type": "home", "value": "babs@jensen.org" }] }))
    );
    assert_eq!(
        patched(json!([{ "op": "remove", "path": "emails[value pr]" }])),
        with(json!({ "emails": null }))
    );
    assert_eq!(
        patched(json!([{ "op": "remove", "path": "displayName" }])),
        barbara()
    );
    assert_eq!(refused(json!([{ "op": "remove" }])), ScimType::NoTarget);
}

#[test]
fn null_and_an_empty_array_unassign() {
    assert_eq!(
        patched(json!([{ "op": "replace", "value": { "title": null, "emails": [] } }])),
        with(json!({ "title": null, "emails": null }))
    );
    assert_eq!(
        patched(json!([{ "op": "replace", "path": "name", "value": { "givenName": null } }])),
        with(json!({ "name": { "familyName": "Jensen" } }))
    );
    assert_eq!(
        patched(json!([{ "op": "replace", "path": "emails.primary", "value": null }])),
        with(
            json!({ "emails": [{ "type": "work", "value": "bjensen@example.com" },
                                { "type": "home", "value": "babs@jensen.org" }] })
        )
    );
}

#[test]
fn a_new_primary_value_clears_the_old_one() {
    let mut expected = barbara();
    expected["emails"][0]["primary"] = json!(false);
    expected["emails"][1]["primary"] = json!(true);
    let path = "emails[type eq \"home\"].primary";
    assert_eq!(
        patched(json!([{ "op": "replace", "path": path, "value": true }])),
        expected
    );

    let added = json!({ "type": "other", "value": "b@example.org", "primary": true });
    let after = patched(json!([{ "op": "add", "path": "emails", "value": added }]));
    assert_eq!(after["emails"][0]["primary"], json!(false));
    assert_eq!(after["emails"][2], added);

    let two = json!([{ "value": "a", "primary": true }, { "value": "b", "primary": true }]);
    for operation in [
        json!([{ "op": "replace", "path": "emails", "value": two }]),
        json!([{ "op": "replace", "path": "emails.primary", "value": true }]),
    ] {
        assert_eq!(refused(operation), ScimType::InvalidValue);
    }
}

#[test]
fn what_is_not_declared_is_ignored() {
    for operation in [
        json!([{ "op": "add", "path": "nickName", "value": "Babs" }]),
        json!([{ "op": "replace", "path": "addresses[type eq \"work\"].country", "value": "DE" }]),
        json!([{ "op": "replace", "path": "emails[type eq \"other\"].display", "value": "x" }]),
        json!([{ "op": "add", "value": { "roles": ["a"], "urn:example:2.0:X": { "a": 1 }, "a b": 2 } }]),
        json!([{ "op": "remove", "path": "urn:example:2.0:X:a" }]),
        json!([{ "op": "add", "path": "name", "value": { "honorificPrefix": "Ms." } }]),
    ] {
        assert_eq!(patched(operation.clone()), barbara(), "{operation}");
    }
}

#[test]
fn the_extension_names_its_schema() {
    let after = patched(
        json!([{ "op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Tours" }]),
    );
    assert_eq!(after[ENTERPRISE], json!({ "department": "Tours" }));
    assert_eq!(after["schemas"][1], ENTERPRISE);
    let after = patched(json!([
        { "op": "add", "path": ENTERPRISE, "value": { "department": "Tours", "employeeNumber": "7" } },
        { "op": "remove", "path": format!("{ENTERPRISE}:department") },
        { "op": "remove", "path": ENTERPRISE }
    ]));
    assert_eq!(after, barbara());
}
