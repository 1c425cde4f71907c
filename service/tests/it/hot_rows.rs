//! Many writers of one user: each change is applied to what the one before it left, and 412 answers conditions alone.

use crate::test_app::{Answer, JSON, TestApp, path};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");
const MEMBERS: [&str; 4] = ["name", "title", "department", "phone"];

/// Every change of the feed, in the order of commits.
async fn feed(app: &TestApp) -> Vec<Value> {
    let (mut changes, mut after) = (Vec::new(), String::new());
    loop {
        let page = app
            .get(&format!("/v1/users/changes?limit=200{after}"))
            .await
            .json();
        let items = page["items"].as_array().expect("items");
        if items.is_empty() {
            return changes;
        }
        changes.extend(items.iter().cloned());
        after = format!("&after={}", page["next"].as_str().expect("next"));
    }
}

/// A value of `member` that no other patch sets.
fn value(member: &str, client: usize, round: usize) -> String {
    match member {
        "phone" => format!("+1{client:05}{round:05}"),
        _ => format!("{member} {client} {round}"),
    }
}

/// Asserts that every change sets one of `wanted` and keeps what the changes before it set.
fn assert_none_lost(changes: &[Value], mut wanted: HashSet<String>) {
    for pair in changes.windows(2) {
        let (before, after) = (&pair[0]["user"], &pair[1]["user"]);
        let changed: Vec<_> = MEMBERS
            .into_iter()
            .filter(|member| before[member] != after[member])
            .collect();
        assert_eq!(changed.len(), 1, "{before} became {after}");
        let value = after[changed[0]].as_str().expect("a text");
        assert!(wanted.remove(value), "{value} was not sent, or came twice");
    }
    assert!(wanted.is_empty(), "lost: {wanted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_patches_without_a_condition_are_all_applied_in_order() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 4;
    let app = Arc::new(TestApp::start().await);
    let replica = Arc::new(TestApp::start_on(app.database_url(), &[]).await);
    let user = app
        .created(&json!({"email": "hot@example.com", "name": "start"}))
        .await;
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let app = [&app, &replica][client % 8 / 7].clone();
        let path = path(&user);
        clients.push(tokio::spawn(async move {
            let mut statuses = Vec::new();
            for round in 0..ROUNDS {
                let member = MEMBERS[(client + round) % MEMBERS.len()];
                let body = json!({ member: value(member, client, round) }).to_string();
                let answer = app.send("PATCH", &path, &[MERGE], &body).await;
                statuses.push(answer.status.as_u16());
            }
            statuses
        }));
    }
    let mut statuses = Vec::new();
    for client in clients {
        statuses.extend(client.await.unwrap());
    }
    let failed: Vec<_> = statuses.iter().filter(|status| **status != 200).collect();
    assert!(
        failed.is_empty(),
        "{} of {}: {failed:?}",
        failed.len(),
        statuses.len()
    );
    let wanted = (0..CLIENTS).flat_map(|client| {
        (0..ROUNDS)
            .map(move |round| value(MEMBERS[(client + round) % MEMBERS.len()], client, round))
    });
    assert_none_lost(&feed(&app).await, wanted.collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_among_many_replacements_is_applied_and_never_412() {
    let app = Arc::new(TestApp::start().await);
    let user = app
        .created(&json!({"email": "hot@example.com", "name": "start"}))
        .await;
    let mut clients = Vec::new();
    for client in 0..24 {
        let (app, path) = (app.clone(), path(&user));
        clients.push(tokio::spawn(async move {
            for round in 0..10 {
                let name = format!("{client} {round}");
                let answer = if client % 8 == 0 {
                    let body = json!({"title": name}).to_string();
                    app.send("PATCH", &path, &[MERGE], &body).await
                } else {
                    let body = json!({"email": "hot@example.com", "name": name}).to_string();
                    app.send("PUT", &path, JSON, &body).await
                };
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(feed(&app).await.len(), 1 + 24 * 10);
}

/// A condition that names no single version is decided on the row as it is when the change is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_holds_is_never_failed_by_concurrent_changes() {
    let app = Arc::new(TestApp::start().await);
    let user = app
        .created(&json!({"email": "hot@example.com", "name": "start"}))
        .await;
    let mut clients = Vec::new();
    for client in 0..32 {
        let (app, path) = (app.clone(), path(&user));
        clients.push(tokio::spawn(async move {
            for round in 0..5 {
                let name = format!("{client} {round}");
                let condition = match client % 2 {
                    0 => ("if-none-match", "\"never-given-out\""),
                    _ => ("if-unmodified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
                };
                let body = json!({"email": "hot@example.com", "name": name}).to_string();
                let answer = app.send("PUT", &path, &[JSON[0], condition], &body).await;
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    // A deletion is decided in the same way, once.
    let deletions = (0..8).map(|_| {
        let (app, path) = (app.clone(), path(&user));
        tokio::spawn(async move {
            let condition = ("if-none-match", "\"never-given-out\"");
            app.send("DELETE", &path, &[condition], "")
                .await
                .status
                .as_u16()
        })
    });
    let mut statuses = Vec::new();
    for deletion in deletions.collect::<Vec<_>>() {
        statuses.push(deletion.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404, 404, 404, 404, 404, 404, 404]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_of_a_row_that_stays_locked_is_answered_503_with_retry_after() {
    let app = TestApp::start_with(&["--lock-timeout-ms", "200"]).await;
    let user = app
        .created(&json!({"email": "held@example.com", "name": "H"}))
        .await;
    let mut sql = app.sql().await;
    let holder = sql.transaction().await.unwrap();
    holder
        .batch_execute("SELECT FROM users FOR UPDATE")
        .await
        .unwrap();
    let body = json!({"title": "T"}).to_string();
    let refused = app.send("PATCH", &path(&user), &[MERGE], &body).await;
    assert_eq!(
        (refused.problem().as_str(), refused.header("retry-after")),
        ("unavailable", "1")
    );
    holder.rollback().await.unwrap();
    let applied: Answer = app.send("PATCH", &path(&user), &[MERGE], &body).await;
    assert_eq!(
        (applied.status.as_u16(), &applied.json()["title"]),
        (200, &json!("T"))
    );
}
