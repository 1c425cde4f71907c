//! Many providers at a time.

use super::{created, get, patch, path, scim_app, send};
use futures_util::future::join_all;
use serde_json::{Value, json};

async fn race(user: impl Fn(usize) -> Value) {
    let app = scim_app().await;
    let requests = (0..200).map(|n| {
        let mut body = user(n);
        body["schemas"] = json!([super::USER]);
        let app = &app;
        async move { send(app, "POST", "/Users", &body).await.status.as_u16() }
    });
    let mut statuses = join_all(requests).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(
        statuses[1..].iter().all(|status| *status == 409),
        "{statuses:?}"
    );
    assert_eq!(get(&app, "/Users").await.json()["totalResults"], 1);
}

#[tokio::test]
async fn of_200_racing_creates_of_one_address_one_wins() {
    race(|n| json!({"userName": "ada@example.com", "title": n.to_string()})).await;
}

#[tokio::test]
async fn of_200_racing_creates_of_one_user_name_one_wins() {
    race(|n| json!({"userName": "ada", "emails": [{"value": format!("a{n}@example.com")}]})).await;
}

#[tokio::test]
async fn of_200_racing_creates_of_one_external_id_one_wins() {
    race(|n| json!({"userName": format!("a{n}@example.com"), "externalId": "x"})).await;
}

#[tokio::test]
async fn concurrent_patches_of_one_user_are_all_applied() {
    let app = scim_app().await;
    let user = created(&app, json!({"userName": "a@example.com"})).await;
    let requests = (0..40).map(|n| {
        let operation = json!([{"op": "add", "path": "emails", "value": [{"value": format!("a{n}@example.com")}]}]);
        let (app, user) = (&app, &user);
        async move { send(app, "PATCH", &path(user), &patch(operation)).await }
    });
    for answer in join_all(requests).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let read = get(&app, &path(&user)).await.json();
    assert_eq!(read["emails"].as_array().expect("emails").len(), 40);
}
