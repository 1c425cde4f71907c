//! Patches that are refused.

use super::super::error::ScimType;
use super::super::profile::ProviderProfile;
use super::super::schema::{MAX_TEXT_BYTES, MAX_VALUES};
use super::tests::{barbara, patched, patched_as, refused};
use super::{MAX_OPERATIONS, PATCH_OP, Patch};
use serde_json::{Value, json};

#[test]
fn a_filter_that_selects_nothing_is_no_target() {
    for (op, path) in [
        ("replace", "phoneNumbers[type eq \"work\"].value"),
        ("add", "emails[type eq \"other\"].value"),
        ("replace", "emails[type eq \"other\"]"),
        ("remove", "emails[type eq \"other\"]"),
        ("remove", "emails[type eq \"other\"].value"),
    ] {
        let operation = json!([{ "op": op, "path": path, "value": "1" }]);
        assert_eq!(refused(operation), ScimType::NoTarget, "{op} {path}");
    }
}

#[test]
fn what_the_server_sets_cannot_be_changed() {
    for operation in [
        json!([{ "op": "replace", "path": "id", "value": "1" }]),
        json!([{ "op": "add", "value": { "meta": { "version": "W/\"2\"" } } }]),
        json!([{ "op": "replace", "path": "meta.created", "value": "2011-05-13T04:42:34Z" }]),
        json!([{ "op": "remove", "path": "meta" }]),
        json!([{ "op": "remove", "path": "schemas" }]),
        json!([{ "op": "remove", "path": "userName" }]),
        json!([{ "op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User" }]),
    ] {
        assert_eq!(
            refused(operation.clone()),
            ScimType::Mutability,
            "{operation}"
        );
    }
    let whole = json!([{ "op": "replace", "value": barbara() }]);
    assert_eq!(patched(whole), barbara());
}

#[test]
fn a_required_attribute_keeps_a_value() {
    for value in [json!(null), json!(""), json!([])] {
        let operation = json!([{ "op": "replace", "path": "userName", "value": value }]);
        assert_eq!(refused(operation), ScimType::InvalidValue);
    }
}

#[test]
fn nothing_is_applied_when_one_operation_is_refused() {
    let operations = json!([{ "op": "replace", "path": "title", "value": "Boss" },
                            { "op": "replace", "path": "active", "value": "perhaps" }]);
    let (scim_type, detail) = patched_as(ProviderProfile::Entra, &operations).unwrap_err();
    assert_eq!(scim_type, ScimType::InvalidValue);
    assert_eq!(detail, "Operation 2: active must be true or false.");
}

#[test]
fn malformed_messages_are_refused() {
    let refusal = |body: Value| Patch::parse(&body).unwrap_err().scim_type;
    for body in [
        json!(null),
        json!({}),
        json!({ "schemas": [PATCH_OP] }),
        json!({ "Operations": [{ "op": "add", "value": {} }] }),
        json!({ "schemas": [PATCH_OP], "Operations": [] }),
        json!({ "schemas": [PATCH_OP], "Operations": {} }),
        json!({ "schemas": [PATCH_OP], "Operations": [1] }),
        json!({ "schemas": [PATCH_OP], "Operations": [{ "value": {} }] }),
        json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "move", "value": {} }] }),
        json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "add", "path": 1, "value": {} }] }),
        json!({ "schemas": [PATCH_OP],
                "Operations": vec![json!({ "op": "add", "value": {} }); MAX_OPERATIONS + 1] }),
    ] {
        assert_eq!(refusal(body), ScimType::InvalidSyntax);
    }
    for (path, expected) in [
        ("emails[", ScimType::InvalidFilter),
        ("emails[type eq]", ScimType::InvalidFilter),
        ("title[value eq 1]", ScimType::InvalidPath),
        ("a b", ScimType::InvalidPath),
    ] {
        assert_eq!(
            refused(json!([{ "op": "add", "path": path, "value": 1 }])),
            expected,
            "{path}"
        );
    }
    assert_eq!(
        refused(json!([{ "op": "add", "path": "title" }])),
        ScimType::InvalidValue
    );
    assert_eq!(
        refused(json!([{ "op": "add", "value": "x" }])),
        ScimType::InvalidValue
    );
}

#[test]
fn values_have_the_declared_type_and_a_bounded_size() {
    let many = vec![json!({ "value": "x" }); MAX_VALUES + 1];
    for (path, value) in [
        ("title", json!(1)),
        ("title", json!(["a", "b"])),
        ("title", json!({ "value": "a" })),
        ("title", json!("x".repeat(MAX_TEXT_BYTES + 1))),
        ("title", json!("a\0b")),
        ("active", json!(1)),
        ("name", json!("Barbara Jensen")),
        ("emails", json!([[{ "value": "x" }, { "value": "y" }]])),
        ("emails", json!([{ "value": { "value": "x" } }])),
        ("emails", json!(many)),
    ] {
        let operation = json!([{ "op": "replace", "path": path, "value": value }]);
        assert_eq!(refused(operation), ScimType::InvalidValue, "{path}");
    }
    let one_by_one: Vec<_> = (0..MAX_VALUES)
        .map(|index| json!({ "op": "add", "path": "emails", "value": { "value": index.to_string() } }))
        .collect();
    assert_eq!(refused(json!(one_by_one)), ScimType::InvalidValue);
}
