//! Every rule is violated once in the real document, and compatible changes pass.

use serde_json::{Value, json};

use super::operations::{breaks, count};

fn document() -> Value {
    serde_json::from_str(include_str!("../../../../../../service/openapi.json")).expect("is JSON")
}

fn change(document: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let name = name.replace("~1", "/");
    document.pointer_mut(parent).expect(pointer)[name] = value;
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let name = name.replace("~1", "/");
    let parent = document.pointer_mut(parent).expect(pointer);
    match parent {
        Value::Object(members) => drop(members.remove(&name).expect(pointer)),
        Value::Array(items) => drop(items.remove(name.parse().expect("an index"))),
        other => panic!("{pointer}: {other}"),
    }
}

const USERS: &str = "/paths/~1v1~1users";
const USER: &str = "/paths/~1v1~1users~1{id}";
const SCHEMAS: &str = "/components/schemas";

/// A mutation: where, the new value (`None` removes it), and the expected message.
type Mutation = (&'static str, String, Option<Value>, &'static str);

#[test]
fn every_change_that_breaks_a_client_is_found() {
    let at = |base: &str, rest: &str| format!("{base}{rest}");
    #[rustfmt::skip]
    let mutations: Vec<Mutation> = vec![
        ("a path removed", "/paths/~1v1~1users~1changes".into(), None, "GET /v1/users/changes was removed"),
        ("a method removed", at(USER, "/patch"), None, "PATCH /v1/users/{id} was removed"),
        ("QUERY removed", at(USERS, "/x-query"), None, "QUERY /v1/users was removed"),
        ("an operation renamed", at(USERS, "/get/operationId"), Some(json!("list")), "operationId"),
        ("another scope asked for", at(USERS, "/get/security"), Some(json!([{"bearer": ["users:admin"]}])), "scopes"),
        ("a token asked for", "/paths/~1/get/security".into(), Some(json!([{"bearer": []}])), "scopes"),
        ("another scheme asked for", "/paths/~1oauth~1token/post/security".into(), Some(json!([{"bearer": []}])), "scopes"),
        ("a scheme of another kind", "/components/securitySchemes/basic/scheme".into(), Some(json!("digest")), "scopes"),
        ("a parameter removed", at(USERS, "/get/parameters/0"), None, "\"limit\" is no longer accepted"),
        ("a parameter required", at(USERS, "/get/parameters/0/required"), Some(json!(true)), "\"limit\" is now required"),
        ("a parameter's maximum lowered", at(USERS, "/get/parameters/0/schema/maximum"), Some(json!(100)), "maximum is stricter"),
        ("a parameter's minimum raised", at(USERS, "/get/parameters/0/schema/minimum"), Some(json!(2)), "minimum is stricter"),
        ("a parameter's value removed", at(USERS, "/get/parameters/2/schema/enum/5"), None, "a value is no longer accepted"),
        ("a parameter's values closed", at(USERS, "/get/parameters/1/schema/enum"), Some(json!(["a"])), "a value is no longer accepted"),
        ("a parameter's type changed", at(USERS, "/get/parameters/0/schema/type"), Some(json!("string")), "its type is narrower"),
        ("a media type refused", at(USER, "/patch/requestBody/content/application~1merge-patch+json"), None, "application/merge-patch+json is no longer accepted"),
        ("a body required", at(USERS, "/get/requestBody"), Some(json!({"required": true})), "a request body is now required"),
        ("a member of a request removed", at(SCHEMAS, "/NewUser/properties/title"), None, "the member \"title\" was removed"),
        ("a member of a request required", at(SCHEMAS, "/NewUser/required"), Some(json!(["email", "name", "phone"])), "the member \"phone\" is now required"),
        ("a member of a request shortened", at(SCHEMAS, "/NewUser/properties/name/maxLength"), Some(json!(99)), "/name: its maxLength is stricter"),
        ("a member of a request not null", at(SCHEMAS, "/NewUser/properties/title/type"), Some(json!("string")), "/title: its type is narrower"),
        ("a member of a request with another pattern", at(SCHEMAS, "/NewUser/properties/phone/pattern"), Some(json!("^[0-9]+$")), "/phone: its pattern changed"),
        ("a form of a member removed", at(SCHEMAS, "/UserPatch/properties/status/oneOf/1"), None, "/status: an alternative is no longer accepted"),
        ("a request closed", at(SCHEMAS, "/TokenRequest/additionalProperties"), Some(json!(false)), "no longer accepted"),
        ("a status removed", at(USER, "/get/responses/304"), None, "the status 304 is no longer returned"),
        ("a success added", at(USERS, "/post/responses/202"), Some(json!({"description": "later"})), "the status 202 is new"),
        ("a header removed", at(USERS, "/post/responses/201/headers/Location"), None, "201 no longer has the header Location"),
        ("an answer's media type changed", at(USERS, "/get/responses/200/content/application~1json"), None, "no longer returned as application/json"),
        ("a member of an answer removed", at(SCHEMAS, "/User/properties/email"), None, "the member \"email\" was removed"),
        ("a member of an answer optional", at(SCHEMAS, "/User/required"), Some(json!(["id"])), "may now be missing"),
        ("a member of an answer null", at(SCHEMAS, "/User/properties/email/type"), Some(json!(["string", "null"])), "/email: its type is wider"),
        ("a member of an answer of another form", at(SCHEMAS, "/User/properties/id/format"), None, "/id: its format changed"),
        ("a value of an answer added", at(SCHEMAS, "/UserStatus/enum"), Some(json!(["active", "suspended", "gone"])), "a value that the release does not have"),
        ("the end of a list missing", at(SCHEMAS, "/UserPage/required"), Some(json!(["items"])), "the member \"next\" may now be missing"),
        ("a list of something else", at(SCHEMAS, "/UserPage/properties/items/items"), Some(json!({"type": "string"})), "/items[]"),
    ];
    let released = document();
    for (what, pointer, value, said) in mutations {
        let mut present = released.clone();
        match value {
            Some(value) => change(&mut present, &pointer, value),
            None => remove(&mut present, &pointer),
        }
        let found = breaks(&released, &present);
        assert!(
            found.iter().any(|line| line.contains(said)),
            "{what}: {found:?}"
        );
    }
}

#[test]
fn what_breaks_nobody_is_let_through() {
    #[rustfmt::skip]
    let changes: Vec<(String, Value)> = vec![
        ("/paths/~1v2~1users".into(), json!({"get": {"responses": {"200": {}}}})),
        (format!("{USERS}/get/parameters/0/schema/maximum"), json!(500)),
        (format!("{USERS}/get/security"), json!([{"bearer": []}])),
        (format!("{USERS}/post/responses/418"), json!({"description": "an error that is new"})),
        (format!("{SCHEMAS}/NewUser/properties/nickname"), json!({"type": "string"})),
        (format!("{SCHEMAS}/NewUser/properties/name/maxLength"), json!(300)),
        (format!("{SCHEMAS}/NewUser/required"), json!(["email"])),
        (format!("{SCHEMAS}/User/properties/nickname"), json!({"type": "string"})),
        (format!("{SCHEMAS}/User/description"), json!("Somebody.")),
        ("/info/version".into(), json!("9.9.9")),
    ];
    let released = document();
    assert!(breaks(&released, &released).is_empty());
    for (pointer, value) in changes {
        let mut present = released.clone();
        change(&mut present, &pointer, value);
        let found = breaks(&released, &present);
        assert!(found.is_empty(), "{pointer}: {found:?}");
    }
}

#[test]
fn every_operation_is_counted_query_among_them() {
    assert_eq!(count(&document()), 14);
}

#[test]
fn a_security_scheme_may_have_another_name() {
    let present = document();
    let mut released = present.clone();
    let schemes = &mut released["components"]["securitySchemes"];
    schemes["client"] = schemes["basic"].take();
    change(
        &mut released,
        "/paths/~1oauth~1token/post/security",
        json!([{"client": []}]),
    );
    assert_eq!(breaks(&released, &present), Vec::<String>::new());
}

#[test]
fn changes_of_the_document_of_scim_are_found_too() {
    let text = include_str!("../../../../../../service/openapi-scim.json");
    let released: Value = serde_json::from_str(text).expect("is JSON");
    assert!(breaks(&released, &released).is_empty());
    #[rustfmt::skip]
    let mutations = [
        ("/paths/~1scim~1v2~1Users~1{id}/patch", None, "PATCH /scim/v2/Users/{id} was removed"),
        ("/components/schemas/User/properties/userName", None, "the member \"userName\" was removed"),
        ("/components/schemas/NewUser/required", Some(json!(["userName", "emails"])), "the member \"emails\" is now required"),
        ("/paths/~1scim~1v2~1Bulk/post/security", Some(json!([{"bearer": ["users:write"]}])), "scopes"),
        ("/paths/~1scim~1v2~1Users/post/requestBody/content/application~1json", None, "application/json is no longer accepted"),
    ];
    for (pointer, value, said) in mutations {
        let mut present = released.clone();
        match value {
            Some(value) => change(&mut present, pointer, value),
            None => remove(&mut present, pointer),
        }
        let found = breaks(&released, &present);
        assert!(
            found.iter().any(|line| line.contains(said)),
            "{pointer}: {found:?}"
        );
    }
}
