//! Patches in the shapes that the documents of providers show and their users report.

#![allow(
    clippy::needless_pass_by_value,
    reason = "a JSON literal is written where it is used"
)]

use super::super::profile::ProviderProfile;
use super::super::schema::ENTERPRISE;
use super::{PATCH_OP, Patch};
use serde_json::{Value, json};

fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "48af03ac28ad4fb88478",
        "userName": "adele@example.com",
        "active": true
    })
}

fn apply(profile: ProviderProfile, before: &Value, operations: &Value) -> Value {
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    let patch = Patch::parse(&body).unwrap();
    Value::Object(patch.apply(before.as_object().unwrap(), profile).unwrap())
}

fn entra(before: &Value, operations: Value) -> Value {
    apply(ProviderProfile::Entra, before, &operations)
}

fn any(before: &Value, operations: Value) -> Value {
    let as_rfc = apply(ProviderProfile::Rfc, before, &operations);
    assert_eq!(as_rfc, entra(before, operations));
    as_rfc
}

#[test]
fn entra_deactivates_with_a_capital_op_and_a_string() {
    for value in [
        json!("False"),
        json!("false"),
        json!(false),
        json!(["False"]),
    ] {
        let operations = json!([{ "op": "Replace", "path": "active", "value": value }]);
        assert_eq!(any(&user(), operations)["active"], false);
    }
    let operations = json!([{ "op": "REPLACE", "value": { "active": "True" } }]);
    assert_eq!(any(&user(), operations), user());
}

#[test]
fn entra_sets_values_that_do_not_exist_yet() {
    let after = entra(
        &user(),
        json!([
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "adele@example.com" },
            { "op": "Replace", "path": "emails[type eq \"work\"].primary", "value": "True" },
            { "op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "555 0100" },
            { "op": "Add", "path": "phoneNumbers[primary eq \"True\"].value", "value": "555 0101" },
            { "op": "Add", "path": "name.givenName", "value": "Adele" },
        ]),
    );
    assert_eq!(
        after["emails"],
        json!([{ "type": "work", "value": "adele@example.com", "primary": true }])
    );
    assert_eq!(
        after["phoneNumbers"],
        json!([{ "type": "mobile", "value": "555 0100" }, { "primary": true, "value": "555 0101" }])
    );
    assert_eq!(after["name"], json!({ "givenName": "Adele" }));
}

#[test]
fn entra_creates_from_what_must_be_equal_alone() {
    let body = |path: &str| json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "Add", "path": path, "value": "x" }] });
    let before = user();
    let apply = |path: &str| {
        let patch = Patch::parse(&body(path)).unwrap();
        patch.apply(before.as_object().unwrap(), ProviderProfile::Entra)
    };
    let created = apply("emails[type eq \"work\" and primary eq true].value").unwrap();
    assert_eq!(
        created["emails"],
        json!([{ "type": "work", "primary": true, "value": "x" }])
    );
    for path in [
        "emails[type ne \"work\"].value",
        "emails[type eq \"work\" or type eq \"home\"].value",
        "emails[not (type eq \"work\")].value",
        "emails[display eq \"work\"].value",
    ] {
        assert_eq!(
            apply(path).unwrap_err().scim_type.as_str(),
            "noTarget",
            "{path}"
        );
    }
}

#[test]
fn entra_removes_with_a_filter_or_a_list_of_values() {
    let mut before = user();
    before["emails"] = json!([
        { "type": "work", "value": "adele@example.com", "primary": true },
        { "type": "home", "value": "a@example.org" }
    ]);
    let home = json!([before["emails"][1]]);
    let work = json!([before["emails"][0]]);
    let removed = |operation: Value| entra(&before, json!([operation]))["emails"].clone();
    assert_eq!(
        removed(json!({ "op": "Remove", "path": "emails[type eq \"work\"]" })),
        home
    );
    assert_eq!(
        removed(json!({ "op": "Remove", "path": "emails[type eq \"other\"]" })),
        before["emails"]
    );
    for value in [
        json!([{ "$ref": null, "value": "adele@example.com" }]),
        json!({ "value": "Adele@example.com" }),
        json!([{ "value": "none@example.com" }, { "value": "adele@example.com", "type": null }]),
        json!("adele@example.com"),
    ] {
        let operation = json!({ "op": "Remove", "path": "emails", "value": value });
        assert_eq!(removed(operation), home);
    }
    let operation = json!({ "op": "Remove", "path": "emails", "value": [{ "type": "home" }] });
    assert_eq!(removed(operation), work);
    for value in [
        json!([]),
        json!([{ "display": "Adele" }]),
        json!([{ "value": "x", "type": "home" }]),
    ] {
        let operation = json!({ "op": "Remove", "path": "emails", "value": value });
        assert_eq!(removed(operation), before["emails"]);
    }
    assert_eq!(
        removed(json!({ "op": "Remove", "path": "emails", "value": null })),
        Value::Null
    );
}

#[test]
fn entra_sends_dotted_and_qualified_keys_without_a_path() {
    let after = entra(
        &user(),
        json!([{ "op": "Add", "value": {
            "displayName": "Adele Vance",
            "name.givenName": "Adele",
            "name.familyName": "Vance",
            "emails[type eq \"work\"].value": "adele@example.com",
            format!("{ENTERPRISE}:department"): "Retail",
            format!("{ENTERPRISE}:manager.value"): "7",
            "addresses[type eq \"work\"].country": "US",
            "userType": "Member"
        } }]),
    );
    assert_eq!(
        after["name"],
        json!({ "givenName": "Adele", "familyName": "Vance" })
    );
    assert_eq!(
        after["emails"],
        json!([{ "type": "work", "value": "adele@example.com" }])
    );
    assert_eq!(
        after[ENTERPRISE],
        json!({ "department": "Retail", "manager": { "value": "7" } })
    );
    assert_eq!(after["displayName"], "Adele Vance");
    assert_eq!(after.as_object().unwrap().len(), 8);
}

#[test]
fn entra_sends_the_manager_in_three_shapes() {
    let path = format!("{ENTERPRISE}:manager");
    for value in [
        json!("7"),
        json!({ "value": "7" }),
        json!([{ "$ref": "https://x.example/Users/7", "value": "7" }]),
    ] {
        let operations = json!([{ "op": "Add", "path": path, "value": value }]);
        let after = any(&user(), operations);
        assert_eq!(after[ENTERPRISE], json!({ "manager": { "value": "7" } }));
        let after = any(&after, json!([{ "op": "Remove", "path": path }]));
        assert_eq!(after, user());
    }
}

#[test]
fn okta_deactivates_without_a_path() {
    let operations = json!([{ "op": "replace", "value": { "active": false } }]);
    assert_eq!(any(&user(), operations)["active"], false);
    let operations = json!([{ "op": "replace",
                              "value": { "id": "48af03ac28ad4fb88478", "displayName": "Adele" } }]);
    assert_eq!(any(&user(), operations)["displayName"], "Adele");
}

#[test]
fn extensions_may_be_objects_below_their_urn() {
    let operations = json!([{ "op": "replace", "value": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        ENTERPRISE.to_lowercase(): { "Department": "Sales", "costCenter": "9", "manager": { "displayName": "M" } }
    } }]);
    let after = any(&user(), operations);
    assert_eq!(
        after[ENTERPRISE],
        json!({ "department": "Sales", "manager": { "displayName": "M" } })
    );
}

#[test]
fn members_of_the_message_may_be_in_any_case() {
    let body = json!({ "Schemas": [PATCH_OP.to_lowercase()], "operations": [
        { "Op": "Replace", "Path": "Title", "Value": "Boss" },
        { "op": "replace", "path": "", "value": { "displayname": "A" } },
        { "op": "replace", "path": null, "value": [{ "NAME": { "GIVENNAME": "B" } }] }
    ] });
    let before = user();
    let after = Patch::parse(&body)
        .unwrap()
        .apply(before.as_object().unwrap(), ProviderProfile::Rfc)
        .unwrap();
    assert_eq!(after["title"], "Boss");
    assert_eq!(after["displayName"], "A");
    assert_eq!(after["name"], json!({ "givenName": "B" }));
}

#[test]
fn an_empty_string_of_an_optional_attribute_unassigns_it() {
    let mut before = user();
    before["title"] = json!("Boss");
    before["phoneNumbers"] = json!([{ "type": "work", "value": "1" }]);
    let operations = json!([{ "op": "replace", "value": {
        "title": "", "phoneNumbers": [{ "type": "", "value": "" }]
    } }]);
    assert_eq!(any(&before, operations), user());
}

#[test]
fn a_whole_user_without_a_path_may_have_null_where_the_server_sets() {
    let operations = json!([{ "op": "replace", "path": null, "value": {
        "id": null, "meta": null, "groups": null, "title": "Boss"
    } }]);
    assert_eq!(any(&user(), operations)["title"], "Boss");
}
