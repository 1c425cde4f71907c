//! `GET /v1/users/changes`

use crate::access::{GuardedApp, claims};
use crate::test_app::{JSON, TestApp, id, path};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Everything after `cursor`, and the cursor behind it.
async fn follow(app: &TestApp, mut cursor: Option<String>, limit: u8) -> (Vec<Value>, String) {
    let mut changes = Vec::new();
    loop {
        let after = cursor
            .as_ref()
            .map_or_else(String::new, |cursor| format!("&after={cursor}"));
        let page = app
            .get(&format!("/v1/users/changes?limit={limit}{after}"))
            .await;
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.json();
        let next = page["next"].as_str().expect("next").to_owned();
        let items = page["items"].as_array().expect("items");
        if items.is_empty() {
            return (changes, next);
        }
        changes.extend(items.iter().cloned());
        cursor = Some(next);
    }
}

/// The directory as a reader of the feed knows it.
fn rebuild(changes: &[Value]) -> HashMap<String, Value> {
    let mut users = HashMap::new();
    for change in changes {
        match change["type"].as_str().unwrap() {
            "deleted" => assert!(
                users.remove(id(change)).is_some(),
                "deleted before it was created: {change}"
            ),
            "created" => assert!(
                users
                    .insert(id(change).to_owned(), change["user"].clone())
                    .is_none(),
                "created twice: {change}"
            ),
            "updated" => assert!(
                users
                    .insert(id(change).to_owned(), change["user"].clone())
                    .is_some(),
                "updated before it was created: {change}"
            ),
            other => panic!("{other}"),
        }
    }
    users
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_what_happened_in_its_order() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let changed = app
        .send(
            "PUT",
            &path(&user),
            JSON,
            &json!({"email": "b@example.com", "name": "B"}).to_string(),
        )
        .await
        .json();
    app.send("DELETE", &path(&user), &[], "").await;
    let (changes, next) = follow(&app, None, 1).await;
    let kinds: Vec<_> = changes
        .iter()
        .map(|change| change["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["created", "updated", "deleted"]);
    assert_eq!(
        (
            &changes[0]["user"],
            &changes[1]["user"],
            &changes[2]["user"]
        ),
        (&user, &changed, &Value::Null)
    );
    // From the cursor of a change on, and from the end on.
    let (rest, _) = follow(&app, changes[0]["cursor"].as_str().map(str::to_owned), 50).await;
    assert_eq!(rest.len(), 2);
    assert!(follow(&app, Some(next), 50).await.0.is_empty());
    for bad in [
        "after=x",
        "after=",
        "limit=0",
        "wait=31",
        "wait=x",
        "wait=1&wait=1",
        "since=1",
    ] {
        assert_eq!(
            app.get(&format!("/v1/users/changes?{bad}")).await.problem(),
            "invalid-query",
            "{bad}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_beside_many_writers_miss_nothing_and_see_nothing_twice() {
    let app = Arc::new(TestApp::start().await);
    // A second replica on the same database: the order holds across processes.
    let other = Arc::new(TestApp::start_on(app.database_url(), &[]).await);
    let mut writers = Vec::new();
    for writer in 0..12_u32 {
        let app = if writer % 2 == 0 {
            app.clone()
        } else {
            other.clone()
        };
        writers.push(tokio::spawn(async move {
            for round in 0..15 {
                let email = format!("u{writer}-{round}@example.com");
                let user = app.created(&json!({"email": email, "name": "0"})).await;
                for name in ["1", "2"] {
                    let body = json!({"email": email, "name": name}).to_string();
                    assert_eq!(app.send("PUT", &path(&user), JSON, &body).await.status, 200);
                }
                if round % 3 == 0 {
                    assert_eq!(app.send("DELETE", &path(&user), &[], "").await.status, 204);
                }
            }
        }));
    }
    let reading = tokio::spawn({
        let app = other.clone();
        async move {
            let (mut all, mut cursor) = (Vec::new(), None);
            while all.len() < 12 * (15 * 3 + 5) {
                let (more, next) = follow(&app, cursor.take(), 7).await;
                all.extend(more);
                cursor = Some(next);
            }
            all
        }
    });
    for writer in writers {
        writer.await.unwrap();
    }
    let seen = tokio::time::timeout(Duration::from_secs(60), reading)
        .await
        .expect("every change is seen")
        .unwrap();
    let cursors: HashSet<_> = seen
        .iter()
        .map(|change| {
            (
                id(change).to_owned(),
                change["type"].to_string(),
                change["user"]["name"].to_string(),
            )
        })
        .collect();
    assert_eq!(cursors.len(), seen.len(), "a change was seen twice");
    for user in 0..12 {
        let names: Vec<_> = seen
            .iter()
            .filter(|c| c["user"]["email"] == format!("u{user}-1@example.com"))
            .map(|c| c["user"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["0", "1", "2"]);
    }
    let expected: HashMap<_, _> = app
        .walk("limit=200")
        .await
        .into_iter()
        .map(|user| (id(&user).to_owned(), user))
        .collect();
    assert_eq!(rebuild(&seen), expected);
}

/// A transaction that gives out its position early and commits late must not be overtaken.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_commits_late_is_never_skipped() {
    let app = Arc::new(TestApp::start().await);
    let mut sql = app.sql().await;
    let late = sql.transaction().await.unwrap();
    late.batch_execute("SELECT pg_advisory_xact_lock(5931894172722287106)")
        .await
        .unwrap();
    late.batch_execute("INSERT INTO user_changes (kind, at, user_id) VALUES ('deleted', now(), '01936f5e-8c3a-7000-8000-000000000001')").await.unwrap();
    let overtaking = tokio::spawn({
        let app = app.clone();
        async move {
            app.created(&json!({"email": "a@example.com", "name": "A"}))
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (before, cursor) = follow(&app, None, 50).await;
    assert!(
        before.is_empty(),
        "a reader got ahead of a position that was given out: {before:?}"
    );
    late.commit().await.unwrap();
    overtaking.await.unwrap();
    let (after, _) = follow(&app, Some(cursor), 50).await;
    let kinds: Vec<_> = after
        .iter()
        .map(|change| change["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["deleted", "created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_waits_is_woken_by_the_change() {
    let app = Arc::new(TestApp::start().await);
    let other = TestApp::start_on(app.database_url(), &[]).await;
    let waiting = tokio::spawn({
        let app = app.clone();
        async move {
            (
                app.get("/v1/users/changes?wait=30").await.json(),
                Instant::now(),
            )
        }
    });
    tokio::time::sleep(Duration::from_millis(700)).await;
    let written = Instant::now();
    other
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let (page, woken) = tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("the reader is woken")
        .unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert!(woken > written);
    let next = page["next"].as_str().unwrap();
    let empty = app
        .get(&format!("/v1/users/changes?wait=1&after={next}"))
        .await
        .json();
    assert_eq!(empty["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_place_was_swept_is_told_and_not_led_past_the_gap() {
    let app = TestApp::start().await;
    app.created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    app.created(&json!({"email": "b@example.com", "name": "B"}))
        .await;
    let (changes, _) = follow(&app, None, 50).await;
    let sql = app.sql().await;
    sql.batch_execute("WITH gone AS (DELETE FROM user_changes RETURNING position) UPDATE user_changes_swept SET through = (SELECT max(position) FROM gone)").await.unwrap();
    let first = changes[0]["cursor"].as_str().unwrap();
    assert_eq!(
        app.get(&format!("/v1/users/changes?after={first}"))
            .await
            .problem(),
        "invalid-query"
    );
    let last = changes[1]["cursor"].as_str().unwrap();
    assert_eq!(
        app.get(&format!("/v1/users/changes?after={last}"))
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_names_the_client_that_made_it() {
    let guarded = GuardedApp::start(&[]).await;
    let scopes = "users:read users:write";
    let sub = |sub: &str| {
        let claims = claims("roster", "roster", json!({"sub": sub, "scope": scopes}));
        guarded.keys.sign(&claims).expect("a token")
    };
    let [first, second, third] = ["billing", "hr.sync", "cleanup"].map(sub);
    let body = |name: &str| json!({"email": "ada@example.com", "name": name}).to_string();
    let created = guarded
        .send(&first, "POST", "/v1/users", &body("Ada"))
        .await;
    let user = path(&created.json());
    let bearer = format!("Bearer {second}");
    let patched = [
        ("authorization", &*bearer),
        ("content-type", "application/merge-patch+json"),
    ];
    let patch = r#"{"title":"T"}"#;
    let answer = guarded.app.send("PATCH", &user, &patched, patch).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        guarded.send(&third, "PUT", &user, &body("B")).await.status,
        200
    );
    assert_eq!(guarded.send(&first, "DELETE", &user, "").await.status, 204);
    // Under an idempotency key.
    let keyed = [
        ("authorization", &*bearer),
        JSON[0],
        ("idempotency-key", "k"),
    ];
    let answer = guarded
        .app
        .send("POST", "/v1/users", &keyed, &body("C"))
        .await;
    assert_eq!(answer.status, 201);
    let feed = guarded
        .send(&first, "GET", "/v1/users/changes", "")
        .await
        .json();
    let items = feed["items"].as_array().expect("items");
    let seen: Vec<_> = items
        .iter()
        .map(|change| {
            (
                change["type"].as_str().unwrap(),
                change["actor"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("created", "billing"),
        ("updated", "hr.sync"),
        ("updated", "cleanup"),
        ("deleted", "billing"),
        ("created", "hr.sync"),
    ];
    assert_eq!(seen, expected);

    let open = TestApp::start().await;
    open.created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let feed = open.get("/v1/users/changes").await.json();
    assert_eq!(
        feed["items"][0]["actor"],
        Value::Null,
        "nobody is authenticated"
    );
}
