//! `POST /oauth/token` gives tokens to clients; the keys that verify them are published and rotated.

use crate::access::{GuardedApp, client_command};
use crate::test_app::JSON;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roster::http::{KeyKind, generate_signing_key};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_trades_its_secret_for_a_token_that_the_published_keys_verify() {
    let guarded = GuardedApp::start(&["--token-lifetime-s", "120"]).await;
    let (id, secret) = guarded.client("users:read,users:write").await;
    let answer = guarded
        .ask(&id, &secret, "grant_type=client_credentials")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let granted = answer.json();
    assert_eq!(
        (
            &granted["token_type"],
            &granted["expires_in"],
            &granted["scope"]
        ),
        (
            &json!("Bearer"),
            &json!(120),
            &json!("users:read users:write")
        )
    );

    let token = granted["access_token"].as_str().unwrap();
    let header: Value = serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(token.split('.').next().unwrap())
            .unwrap(),
    )
    .unwrap();
    let published = guarded.app.get("/.well-known/jwks.json").await.json();
    assert!(
        published["keys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["kid"] == header["kid"] && key["alg"] == header["alg"])
    );
    let created = guarded
        .send(
            token,
            "POST",
            "/v1/users",
            r#"{"email":"a@example.com","name":"A"}"#,
        )
        .await;
    assert_eq!(created.status, 201);

    let narrow = guarded
        .ask(
            &id,
            &secret,
            "grant_type=client_credentials&scope=users%3Aread",
        )
        .await
        .json();
    assert_eq!(narrow["scope"], "users:read");
    let token = narrow["access_token"].as_str().unwrap();
    assert_eq!(
        guarded
            .send(token, "DELETE", "/v1/users/x", "")
            .await
            .status,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_token_endpoint_carry_the_member_of_rfc_6749() {
    let guarded = GuardedApp::start(&[]).await;
    let (id, secret) = guarded.client("users:read").await;
    let good = "grant_type=client_credentials";
    let cases = [
        (
            &*id,
            &*secret,
            "grant_type=password",
            400,
            "unsupported_grant_type",
        ),
        (&id, &secret, "", 400, "invalid_request"),
        (
            &id,
            &secret,
            "grant_type=client_credentials&grant_type=client_credentials",
            400,
            "invalid_request",
        ),
        (
            &id,
            &secret,
            "grant_type=client_credentials&scope=users:write",
            400,
            "invalid_scope",
        ),
        (
            &id,
            &secret,
            "grant_type=client_credentials&scope=root",
            400,
            "invalid_scope",
        ),
        (&id, "wrong", good, 401, "invalid_client"),
        ("nobody", &secret, good, 401, "invalid_client"),
        ("", "", good, 401, "invalid_client"),
    ];
    for (id, secret, form, status, error) in cases {
        let answer = guarded.ask(id, secret, form).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (status, Some(error)),
            "{form}"
        );
        answer.problem();
        assert_eq!(
            answer.header("www-authenticate").starts_with("Basic "),
            status == 401,
            "{form}"
        );
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let bare = guarded.app.send("POST", "/oauth/token", &form, good).await;
    assert_eq!(
        (bare.status.as_u16(), &bare.json()["error"]),
        (401, &json!("invalid_client"))
    );
    let in_body = guarded
        .app
        .send(
            "POST",
            "/oauth/token",
            &form,
            &format!("{good}&client_id={id}&client_secret={secret}"),
        )
        .await;
    assert_eq!(
        (in_body.status.as_u16(), &in_body.json()["error"]),
        (400, &json!("invalid_request"))
    );
    let as_json = guarded.app.send("POST", "/oauth/token", JSON, "{}").await;
    assert_eq!(
        (as_json.status.as_u16(), as_json.problem().as_str()),
        (415, "unsupported-media-type")
    );
    assert_eq!(guarded.app.get("/oauth/token").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_client_gets_no_more_tokens() {
    let guarded = GuardedApp::start(&[]).await;
    let (id, secret) = guarded.client("users:read").await;
    let url = guarded.database.url();
    assert!(client_command(url, &["list"]).await.unwrap().contains(&id));
    assert!(
        !client_command(url, &["list", "--json"])
            .await
            .unwrap()
            .contains("argon2")
    );
    client_command(url, &["revoke", &id]).await.unwrap();
    let answer = guarded
        .ask(&id, &secret, "grant_type=client_credentials")
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]),
        (401, &json!("invalid_client"))
    );
    assert!(
        client_command(url, &["revoke", &id])
            .await
            .unwrap_err()
            .contains("no active client")
    );
    let taken = client_command(url, &["create", "--scope", "users:read", "--id", &id]).await;
    assert!(
        taken.unwrap_err().contains("is or was in use"),
        "an id never comes to mean another client"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_signing_keys_are_taken_up_without_refusing_a_good_token() {
    let guarded = GuardedApp::start(&[]).await;
    let (id, secret) = guarded.client("users:read").await;
    let token = async || {
        guarded
            .ask(&id, &secret, "grant_type=client_credentials")
            .await
            .json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let old = token().await;
    let old_pem = std::fs::read_to_string(&guarded.keys_file).unwrap();
    let new_pem = generate_signing_key(KeyKind::P256).unwrap();
    std::fs::write(&guarded.keys_file, format!("{new_pem}{old_pem}")).unwrap();
    guarded.app.reload();
    let new = token().await;
    for token in [&old, &new] {
        assert_eq!(
            guarded.send(token, "GET", "/v1/users", "").await.status,
            200
        );
    }
    assert_eq!(
        guarded.app.get("/.well-known/jwks.json").await.json()["keys"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    std::fs::write(&guarded.keys_file, "not a key").unwrap();
    guarded.app.reload();
    assert_eq!(
        guarded.send(&new, "GET", "/v1/users", "").await.status,
        200,
        "a bad file leaves the keys in place"
    );
    std::fs::write(&guarded.keys_file, &new_pem).unwrap();
    guarded.app.reload();
    assert_eq!(guarded.send(&new, "GET", "/v1/users", "").await.status, 200);
    assert_eq!(
        guarded.send(&old, "GET", "/v1/users", "").await.status,
        401,
        "its key is gone, and so is what was remembered"
    );
}
