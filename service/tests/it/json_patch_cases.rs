//! What RFC 6902 and RFC 6901 ask of a JSON Patch, case by case, applied to a user.
//!
//! A user has no arrays and no objects within. So each case is put under a member that the patch itself adds first and,
//! once the outcome was tested, removes last: what is left is the user as it was, or nothing happened at all.

use crate::test_app::{TestApp, path};
use serde_json::{Value, json};

/// What a patch makes of a document, or the status of its refusal.
type Outcome = Result<Value, u16>;

const GONE: u16 = 422;
const UNEQUAL: u16 = 409;
const MALFORMED: u16 = 400;

fn applied() -> Vec<(Value, Value, Outcome)> {
    let op = |op: &str, path: &str| json!([{"op": op, "path": path}]);
    let with =
        |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
    let from = |op: &str, from: &str, path: &str| json!([{"op": op, "from": from, "path": path}]);
    vec![
        // add: a member, in place of another, into an array, at its end, and nowhere else
        (
            json!({"a": 1}),
            with("add", "/b", json!(2)),
            Ok(json!({"a": 1, "b": 2})),
        ),
        (
            json!({"a": 1}),
            with("add", "/a", json!([3])),
            Ok(json!({"a": [3]})),
        ),
        (
            json!({"a": 1}),
            with("add", "/", json!(0)),
            Ok(json!({"a": 1, "": 0})),
        ),
        (
            json!({"a": 1}),
            with("add", "", json!({"z": null})),
            Ok(json!({"z": null})),
        ),
        (
            json!({"a": null}),
            with("add", "/a", json!(false)),
            Ok(json!({"a": false})),
        ),
        (
            json!({"l": ["x", "z"]}),
            with("add", "/l/1", json!("y")),
            Ok(json!({"l": ["x", "y", "z"]})),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/0", json!("w")),
            Ok(json!({"l": ["w", "x"]})),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/1", json!("y")),
            Ok(json!({"l": ["x", "y"]})),
        ),
        (
            json!({"l": []}),
            with("add", "/l/-", json!(["y"])),
            Ok(json!({"l": [["y"]]})),
        ),
        (
            json!([1, [2]]),
            with("add", "/1/0", json!(0)),
            Ok(json!([1, [0, 2]])),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/2", json!("z")),
            Err(GONE),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/01", json!("z")),
            Err(GONE),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/-1", json!("z")),
            Err(GONE),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/+1", json!("z")),
            Err(GONE),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/1e0", json!("z")),
            Err(GONE),
        ),
        (
            json!({"l": ["x"]}),
            with("add", "/l/a", json!("z")),
            Err(GONE),
        ),
        (json!({"a": 1}), with("add", "/b/c", json!(1)), Err(GONE)),
        (json!({"a": 1}), with("add", "/a/b", json!(1)), Err(GONE)),
        (
            json!({"a": "text"}),
            with("add", "/a/0", json!(1)),
            Err(GONE),
        ),
        // remove
        (
            json!({"a": 1, "b": 2}),
            op("remove", "/b"),
            Ok(json!({"a": 1})),
        ),
        (json!({"a": null}), op("remove", "/a"), Ok(json!({}))),
        (
            json!({"l": [1, 2, 3]}),
            op("remove", "/l/1"),
            Ok(json!({"l": [1, 3]})),
        ),
        (
            json!({"a": {"b": [{"c": 1}]}}),
            op("remove", "/a/b/0/c"),
            Ok(json!({"a": {"b": [{}]}})),
        ),
        (json!({"a": 1}), op("remove", "/b"), Err(GONE)),
        (json!({"l": [1]}), op("remove", "/l/1"), Err(GONE)),
        (json!({"l": [1]}), op("remove", "/l/-"), Err(GONE)),
        // replace: only what is there
        (
            json!({"a": 1}),
            with("replace", "/a", json!(null)),
            Ok(json!({"a": null})),
        ),
        (
            json!({"a": 1}),
            with("replace", "", json!([1])),
            Ok(json!([1])),
        ),
        (
            json!({"l": [1, 2]}),
            with("replace", "/l/1", json!([])),
            Ok(json!({"l": [1, []]})),
        ),
        (json!({"a": 1}), with("replace", "/b", json!(0)), Err(GONE)),
        (
            json!({"l": [1]}),
            with("replace", "/l/1", json!(0)),
            Err(GONE),
        ),
        (
            json!({"l": [1]}),
            with("replace", "/l/-", json!(0)),
            Err(GONE),
        ),
        // move and copy
        (
            json!({"a": 1}),
            from("move", "/a", "/b"),
            Ok(json!({"b": 1})),
        ),
        (
            json!({"a": 1}),
            from("move", "/a", "/a"),
            Ok(json!({"a": 1})),
        ),
        (
            json!({"l": [1, 2, 3]}),
            from("move", "/l/0", "/l/2"),
            Ok(json!({"l": [2, 3, 1]})),
        ),
        (
            json!({"l": [1, 2, 3]}),
            from("move", "/l/2", "/l/0"),
            Ok(json!({"l": [3, 1, 2]})),
        ),
        (
            json!({"a": {"b": 1}, "c": {"d": 2}}),
            from("move", "/a/b", "/c/e"),
            Ok(json!({"a": {}, "c": {"d": 2, "e": 1}})),
        ),
        (
            json!({"a": {"b": 1}}),
            from("move", "/a", "/a/b"),
            Err(GONE),
        ),
        (json!({"a": 1}), from("move", "/b", "/c"), Err(GONE)),
        (
            json!({"a": [1], "b": 2}),
            from("copy", "/a", "/b"),
            Ok(json!({"a": [1], "b": [1]})),
        ),
        (
            json!({"l": [1, 2]}),
            from("copy", "/l/0", "/l/-"),
            Ok(json!({"l": [1, 2, 1]})),
        ),
        (
            json!({"a": {"b": 1}}),
            from("copy", "/a", "/a/c"),
            Ok(json!({"a": {"b": 1, "c": {"b": 1}}})),
        ),
        (json!({"a": 1}), from("copy", "/b", "/c"), Err(GONE)),
        // test: by value, whatever the order of members; by kind
        (
            json!({"a": {"x": 1, "y": [true]}}),
            with("test", "/a", json!({"y": [true], "x": 1})),
            Ok(json!({"a": {"x": 1, "y": [true]}})),
        ),
        (
            json!({"a": null}),
            with("test", "/a", json!(null)),
            Ok(json!({"a": null})),
        ),
        (
            json!({"a": 1}),
            with("test", "/a", json!("1")),
            Err(UNEQUAL),
        ),
        (
            json!({"a": [1, 2]}),
            with("test", "/a", json!([2, 1])),
            Err(UNEQUAL),
        ),
        (
            json!({"a": {"b": 1}}),
            with("test", "/a", json!({"b": 1, "c": 2})),
            Err(UNEQUAL),
        ),
        (
            json!({"a": null}),
            with("test", "/b", json!(null)),
            Err(GONE),
        ),
        // pointers: ~0 and ~1, in this order; nothing is percent-decoded; empty names are names
        (
            json!({"~": 1, "/": 2, "~1": 3}),
            with("test", "/~01", json!(3)),
            Ok(json!({"~": 1, "/": 2, "~1": 3})),
        ),
        (
            json!({"~": 1, "/": 2}),
            with("replace", "/~1", json!(0)),
            Ok(json!({"~": 1, "/": 0})),
        ),
        (json!({"a/b~c": 1}), op("remove", "/a~1b~0c"), Ok(json!({}))),
        (
            json!({"c%d": 1, "": {"": 2}}),
            with("test", "/c%d", json!(1)),
            Ok(json!({"c%d": 1, "": {"": 2}})),
        ),
        (
            json!({"": {"": 2}}),
            op("remove", "//"),
            Ok(json!({"": {}})),
        ),
        (
            json!({"0": 1}),
            with("test", "/0", json!(1)),
            Ok(json!({"0": 1})),
        ),
        (json!({"ä": 1}), op("remove", "/ä"), Ok(json!({}))),
        // several: in order, and members that no operation has are nothing to it
        (
            json!({"a": 1}),
            json!([{"op": "add", "path": "/b", "value": []}, {"op": "add", "path": "/b/-", "value": 1}, {"op": "move", "from": "/b/0", "path": "/a"}]),
            Ok(json!({"a": 1, "b": []})),
        ),
        (
            json!({"a": 1}),
            json!([{"op": "test", "path": "/a", "value": 1, "why": "no matter"}]),
            Ok(json!({"a": 1})),
        ),
        (json!({"a": 1}), json!([]), Ok(json!({"a": 1}))),
        // no patch at all
        (
            json!({}),
            json!([{"op": "frob", "path": "/a"}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "ADD", "path": "/a", "value": 1}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"path": "/a", "value": 1}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "add", "value": 1}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": "/a"}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "replace", "path": ""}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "test", "path": ""}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "move", "path": "/a"}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "copy", "path": "/a"}]),
            Err(MALFORMED),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": null, "value": 1}]),
            Err(MALFORMED),
        ),
        (json!({}), json!(["add"]), Err(MALFORMED)),
    ]
}

/// The pointers of every operation, one level further down.
fn below(member: &str, patch: &Value) -> Vec<Value> {
    let mut operations = patch.as_array().unwrap().clone();
    for operation in &mut operations {
        for pointer in ["path", "from"] {
            if let Some(Value::String(text)) = operation.get_mut(pointer) {
                text.insert_str(0, member);
            }
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn each_case_has_its_outcome_and_leaves_the_user_as_it_was() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let header = [("content-type", "application/json-patch+json")];
    let mut wrong = Vec::new();
    for (document, patch, outcome) in applied() {
        let mut operations = vec![json!({"op": "add", "path": "/doc", "value": document})];
        operations.extend(below("/doc", &patch));
        if let Ok(expected) = &outcome {
            operations.push(json!({"op": "test", "path": "/doc", "value": expected}));
        }
        operations.push(json!({"op": "remove", "path": "/doc"}));
        let body = Value::Array(operations).to_string();
        let answer = app.send("PATCH", &path(&user), &header, &body).await;
        let wanted = outcome.as_ref().map_or_else(|status| *status, |_| 200);
        if answer.status != wanted {
            wrong.push(format!("{document} {patch}: {wanted}, not {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(app.get(&path(&user)).await.json(), user);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_patch_is_refused_as_such() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let header = [("content-type", "application/json-patch+json")];
    for body in [
        "{}",
        "null",
        "\"x\"",
        "[[]]",
        "",
        r#"[{"op":"add","path":"name","value":1}]"#,
        r#"[{"op":"add","path":"/name~2","value":1}]"#,
        r#"[{"op":"add","path":"/name~","value":1}]"#,
        r#"[{"op":"test","op":"remove","path":"/title"}]"#,
    ] {
        let answer = app.send("PATCH", &path(&user), &header, body).await;
        assert_eq!(answer.status, MALFORMED, "{body}: {answer:?}");
    }
    assert_eq!(app.get(&path(&user)).await.json(), user);
}
