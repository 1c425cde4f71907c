//! Long-lived tokens, and what is a client's own.

use super::{USER, refusal};
use crate::access::{GuardedApp, client_command};
use serde_json::{Value, json};

/// A long-lived token of a new client: the id of the token, and the token.
pub(super) async fn token(guarded: &GuardedApp, options: &[&str]) -> (String, String) {
    let line = [&["create", "--scope", "scim", "--json"][..], options].concat();
    let url = guarded.database.url();
    let client: Value =
        serde_json::from_str(&client_command(url, &line).await.expect("a client")).expect("JSON");
    let id = client["client_id"].as_str().expect("an id");
    let made = client_command(
        url,
        &["token", "create", id, "--name", "a provider", "--json"],
    )
    .await
    .expect("a token");
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    (text("token_id"), text("token"))
}

#[tokio::test]
async fn a_long_lived_token_is_accepted_until_it_is_revoked() {
    let guarded = GuardedApp::start(&["--scim"]).await;
    let url = guarded.database.url();
    let (id, token) = token(&guarded, &[]).await;
    assert!(token.starts_with("roster_token_"), "{token}");
    assert_eq!(
        guarded
            .send(&token, "GET", "/scim/v2/Users", "")
            .await
            .status,
        200
    );
    assert_eq!(
        guarded.send(&token, "GET", "/v1/users", "").await.status,
        403
    );
    let wrong = guarded
        .send(&format!("{token}x"), "GET", "/scim/v2/Users", "")
        .await;
    assert_eq!(wrong.status, 401);
    refusal(&wrong);
    let listed = client_command(url, &["token", "list", "--json"])
        .await
        .expect("a list");
    assert!(listed.contains(&id) && !listed.contains(&token));
    let lines = client_command(url, &["token", "list"])
        .await
        .expect("a list");
    assert!(lines.contains("a provider") && !lines.contains(&token));
    client_command(url, &["token", "revoke", &id])
        .await
        .expect("is revoked");
    assert!(
        client_command(url, &["token", "revoke", &id])
            .await
            .is_err()
    );
    let revoked = async {
        while guarded
            .send(&token, "GET", "/scim/v2/Users", "")
            .await
            .status
            != 401
        {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), revoked)
        .await
        .expect("the token is refused");
}

#[tokio::test]
async fn a_token_needs_a_client_that_is_not_revoked() {
    let guarded = GuardedApp::start(&["--scim"]).await;
    let url = guarded.database.url();
    assert!(
        client_command(url, &["token", "create", "nobody"])
            .await
            .is_err()
    );
    let (id, _) = guarded.client("scim").await;
    client_command(url, &["revoke", &id])
        .await
        .expect("is revoked");
    let refused = client_command(url, &["token", "create", &id])
        .await
        .expect_err("is refused");
    assert!(refused.contains("no active client"), "{refused}");
}

#[tokio::test]
async fn an_external_id_is_its_clients_own() {
    let guarded = GuardedApp::start(&["--scim"]).await;
    let (_, one) = token(&guarded, &[]).await;
    let (_, other) = token(&guarded, &[]).await;
    let body =
        json!({"schemas": [USER], "userName": "a@example.com", "externalId": "x"}).to_string();
    let made = guarded.send(&one, "POST", "/scim/v2/Users", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!(
        "/scim/v2/Users/{}",
        made.json()["id"].as_str().expect("an id")
    );
    assert!(
        guarded
            .send(&other, "GET", &path, "")
            .await
            .json()
            .get("externalId")
            .is_none()
    );
    let body =
        json!({"schemas": [USER], "userName": "b@example.com", "externalId": "x"}).to_string();
    let theirs = guarded.send(&other, "POST", "/scim/v2/Users", &body).await;
    assert_eq!(theirs.status, 201, "{theirs:?}");
    for (token, user) in [(&one, "a@example.com"), (&other, "b@example.com")] {
        let found = guarded
            .send(
                token,
                "GET",
                "/scim/v2/Users?filter=externalId%20eq%20%22x%22",
                "",
            )
            .await
            .json();
        assert_eq!(found["Resources"][0]["userName"], user);
        assert_eq!(found["totalResults"], 1);
    }
}
