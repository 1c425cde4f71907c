//! `PATCH /v1/users/{id}`

use crate::test_app::{Answer, TestApp, path};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;

const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");
const PATCH: (&str, &str) = ("content-type", "application/json-patch+json");

async fn patch(app: &TestApp, user: &Value, media_type: (&str, &str), body: &Value) -> Answer {
    app.send("PATCH", &path(user), &[media_type], &body.to_string())
        .await
}

/// The cases of RFC 7396, appendix A, each with its target under the member that it patches. A user has no nested
/// members, so a result that is not a user is rejected, and one that is, is kept.
#[tokio::test(flavor = "multi_thread")]
async fn the_cases_of_rfc_7396_applied_to_a_user() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "a", "title": "b"}))
        .await;
    for (body, status, title) in [
        (json!({"title": "c"}), 200, json!("c")),
        (json!({"department": "c"}), 200, json!("c")),
        (json!({"title": null}), 200, Value::Null),
        (json!({"title": null, "department": null}), 200, Value::Null),
        (json!({"title": ["c"]}), 422, Value::Null),
        (json!({"title": {"b": "c", "d": null}}), 422, Value::Null),
        (json!(["c"]), 422, Value::Null),
        (Value::Null, 422, Value::Null),
        (json!("bar"), 422, Value::Null),
        (json!({"e": null}), 422, Value::Null),
        (json!({"e": "new"}), 422, Value::Null),
        (json!({}), 200, Value::Null),
        (json!({"title": {"bb": {"ccc": null}}}), 422, Value::Null),
        (json!({"name": null}), 422, Value::Null),
    ] {
        let answer = patch(&app, &user, MERGE, &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        if status == 200 && body.get("title").is_some() {
            assert_eq!(answer.json()["title"], title, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_operations_of_rfc_6902_are_known() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada", "title": "T"}))
        .await;
    let answer = patch(
        &app,
        &user,
        PATCH,
        &json!([
            {"op": "test", "path": "/name", "value": "Ada"},
            {"op": "add", "path": "/department", "value": "D"},
            {"op": "copy", "from": "/name", "path": "/department"},
            {"op": "move", "from": "/title", "path": "/name"},
            {"op": "remove", "path": "/phone"},
            {"op": "replace", "path": "/status", "value": "suspended"},
        ]),
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_ne!(answer.header("etag"), "\"1\"");
    let now = answer.json();
    assert_eq!(
        (&now["name"], &now["department"], &now["title"]),
        (&json!("T"), &json!("Ada"), &Value::Null)
    );
    assert_eq!(now["status"], "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_patch_is_applied_as_a_whole_or_not_at_all() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    for (body, status, slug) in [
        (
            json!([{"op": "replace", "path": "/name", "value": "B"}, {"op": "test", "path": "/name", "value": "C"}]),
            409,
            "patch-test-failed",
        ),
        (
            json!([{"op": "replace", "path": "/name", "value": "B"}, {"op": "remove", "path": "/nope"}]),
            422,
            "validation-failed",
        ),
        (
            json!([{"op": "add", "path": "/a/b", "value": 1}]),
            422,
            "validation-failed",
        ),
        (
            json!([{"op": "add", "path": "", "value": []}]),
            422,
            "validation-failed",
        ),
        (
            json!([{"op": "replace", "path": "/updated_at", "value": "x"}]),
            422,
            "validation-failed",
        ),
        (json!({"op": "add"}), 400, "malformed-request"),
        (
            json!([{"op": "spam", "path": "/name"}]),
            400,
            "malformed-request",
        ),
    ] {
        let answer = patch(&app, &user, PATCH, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (status, slug),
            "{body}"
        );
    }
    assert_eq!(app.get(&path(&user)).await.json(), user);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_media_type_is_told_which_there_are() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let answer = patch(&app, &user, ("content-type", "text/plain"), &json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (415, "unsupported-media-type")
    );
    assert!(
        answer
            .header("accept-patch")
            .contains("application/json-patch+json")
    );
    assert_eq!(
        patch(
            &app,
            &user,
            ("content-type", "application/json; charset=utf-8"),
            &json!({"name": "B"})
        )
        .await
        .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_patches_of_different_members_are_all_kept() {
    let app = Arc::new(TestApp::start().await);
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let mut running = Vec::new();
    for body in [
        json!({"name": "B"}),
        json!({"title": "T"}),
        json!({"department": "D"}),
        json!({"phone": "+1234567"}),
        json!({"status": "suspended"}),
    ] {
        let (app, user) = (app.clone(), user.clone());
        running.push(tokio::spawn(async move {
            patch(&app, &user, MERGE, &body).await.status
        }));
    }
    for status in running {
        assert_eq!(status.await.unwrap(), 200);
    }
    let now = app.get(&path(&user)).await;
    let changes = app.get("/v1/users/changes").await.json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 6);
    let now = now.json();
    assert_eq!(
        (&now["name"], &now["title"], &now["department"]),
        (&json!("B"), &json!("T"), &json!("D"))
    );
}

/// Values that a member may be patched to, good and bad.
fn member() -> impl Strategy<Value = (String, Value)> {
    let name = prop_oneof![
        5 => prop::sample::select(vec!["name", "title", "department", "phone", "status"]).prop_map(str::to_owned),
        1 => Just("id".to_owned()),
        1 => "[a-z]{1,4}",
    ];
    let value = prop_oneof![
        Just(Value::Null),
        "\\PC{0,12}".prop_map(Value::String),
        prop::sample::select(vec!["active", "suspended", "+1234567"]).prop_map(|text| json!(text)),
        any::<i32>().prop_map(|number| json!(number)),
    ];
    (name, value)
}

/// The result of RFC 7396, section 2, for a user, whose members are all text: implemented separately, to be independent
/// of the code.
fn merged(user: &Value, patch: &Value) -> Value {
    let mut expected = user.clone();
    for (name, value) in patch.as_object().unwrap() {
        let value = match (name.as_str(), value) {
            ("status", Value::Null) => json!("active"),
            (_, Value::String(text)) => json!(text.trim()),
            (_, value) => value.clone(),
        };
        expected[name] = value;
    }
    expected["updated_at"] = Value::Null;
    expected
}

/// Whether a document is a user by the contract: also implemented separately.
fn is_a_user(document: &Value) -> bool {
    let characters = |value: &Value, most| {
        let text = value.as_str();
        text.is_some_and(|text| (1..=most).contains(&text.chars().count()))
    };
    document.as_object().unwrap().iter().all(|(name, value)| {
        let is_text = value.is_string();
        match name.as_str() {
            "id" | "created_at" | "updated_at" | "email" => true,
            "name" => characters(value, 200),
            "title" | "department" => value.is_null() || characters(value, 100),
            "phone" => value.is_null() || (is_text && value == "+1234567"),
            "status" => value == "active" || value == "suspended",
            _ => false,
        }
    })
}

/// What only the server sets is refused in a patch, whatever its value.
fn names_a_server_member(patch: &Value) -> bool {
    ["id", "created_at", "updated_at"]
        .iter()
        .any(|name| patch.get(name).is_some())
}

#[test]
fn any_merge_patch_followed_by_get_equals_the_patch_applied_to_the_json() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let user = runtime.block_on(app.created(&json!({"email": "a@example.com", "name": "Ada"})));
    let patches = prop::collection::vec(member(), 0..4)
        .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>());
    let mut runner = TestRunner::new(Config {
        cases: 200,
        ..Config::default()
    });
    runner
        .run(&patches, |members| {
            let body = Value::Object(members);
            runtime.block_on(async {
                let before = app.get(&path(&user)).await.json();
                let answer = patch(&app, &user, MERGE, &body).await;
                let mut after = app.get(&path(&user)).await.json();
                let expected = merged(&before, &body);
                if is_a_user(&expected) && !names_a_server_member(&body) {
                    assert_eq!(answer.status, 200, "{body}: {answer:?}");
                    assert_eq!(answer.json(), after);
                    after["updated_at"] = Value::Null;
                    assert_eq!(after, expected, "{body}");
                } else {
                    assert_eq!(answer.status, 422, "{body}");
                    assert_eq!(after, before, "{body}");
                }
            });
            Ok(())
        })
        .unwrap();
}
