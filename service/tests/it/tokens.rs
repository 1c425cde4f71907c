//! Calls need a good token with the right scope, and `POST /oauth/token` gives them to clients.

use crate::access::{GuardedApp, claims, client_command, unix_now};
use crate::test_app::JSON;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roster::http::{KeyKind, SigningKeys, generate_signing_key};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_token_is_refused_as_the_contract_says() {
    let guarded = GuardedApp::start(&[]).await;
    let now = unix_now();
    let sign = |changes: Value| {
        guarded
            .keys
            .sign(&claims("roster", "roster", changes))
            .unwrap()
    };
    let good = sign(json!({}));
    assert_eq!(
        guarded.send(&good, "GET", "/v1/users", "").await.status,
        200
    );

    let jwks: Value = serde_json::from_slice(&guarded.keys.jwks()).unwrap();
    let id = jwks["keys"][0]["kid"].as_str().unwrap().to_owned();
    let body = good.split('.').nth(1).unwrap();
    let header = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
    let none = format!("{}.{body}.", header(json!({"alg": "none", "kid": id})));
    let public = URL_SAFE_NO_PAD
        .decode(jwks["keys"][0]["x"].as_str().unwrap())
        .unwrap();
    let hmac = {
        let message = format!("{}.{body}", header(json!({"alg": "HS256", "kid": id})));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public);
        let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let stranger =
        SigningKeys::from_pem(generate_signing_key(KeyKind::Ed25519).unwrap().as_bytes()).unwrap();
    let matrix = [
        ("alg none", none),
        ("HMAC with the public key", hmac),
        ("another issuer", sign(json!({"iss": "other"}))),
        ("no issuer", sign(json!({"iss": null}))),
        ("another audience", sign(json!({"aud": "other"}))),
        ("no audience", sign(json!({"aud": null}))),
        ("expired", sign(json!({"exp": now - 61}))),
        ("no expiry", sign(json!({"exp": null}))),
        ("not yet valid", sign(json!({"nbf": now + 61}))),
        (
            "an unknown key",
            stranger
                .sign(&claims("roster", "roster", json!({})))
                .unwrap(),
        ),
        ("garbage", "garbage".into()),
        ("garbage of 10 KB", "g".repeat(10_000)),
        (
            "a touched signature",
            format!("{}AAAA", &good[..good.len() - 4]),
        ),
    ];
    for (what, token) in matrix {
        let answer = guarded.send(&token, "GET", "/v1/users", "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (401, "unauthorized"),
            "{what}"
        );
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=\"roster\", error=\"invalid_token\""),
            "{what}: {challenge}"
        );
        assert!(
            !String::from_utf8_lossy(&answer.body).contains(&token),
            "{what}: the token is in the answer"
        );
    }
    let huge = guarded
        .send(&"g".repeat(100_000), "GET", "/v1/users", "")
        .await;
    assert_eq!(
        (huge.status.as_u16(), huge.problem().as_str()),
        (431, "headers-too-large")
    );

    let without = guarded.app.get("/v1/users").await;
    assert_eq!(
        (without.status.as_u16(), without.problem().as_str()),
        (401, "unauthorized")
    );
    assert_eq!(
        without.header("www-authenticate"),
        "Bearer realm=\"roster\""
    );

    for (scope, status) in [
        (Value::Null, 403),
        (json!("other"), 403),
        (json!("users:write"), 403),
        (json!("users:read"), 200),
    ] {
        let answer = guarded
            .send(&sign(json!({"scope": scope})), "GET", "/v1/users", "")
            .await;
        assert_eq!(answer.status, status, "{scope}");
        if status == 403 {
            assert_eq!(answer.problem(), "insufficient-scope");
            assert_eq!(
                answer.header("www-authenticate"),
                r#"Bearer realm="roster", error="insufficient_scope", scope="users:read""#
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_needs_the_scope_of_what_it_does() {
    let guarded = GuardedApp::start(&[]).await;
    let (reader, writer) = (
        guarded.token("users:read").await,
        guarded.token("users:write").await,
    );
    let user = r#"{"email":"a@example.com","name":"A"}"#;
    for (method, path, body) in [
        ("POST", "/v1/users", user),
        ("PUT", "/v1/users/x", user),
        ("PATCH", "/v1/users/x", "{}"),
        ("DELETE", "/v1/users/x", ""),
    ] {
        assert_eq!(
            guarded.send(&reader, method, path, body).await.status,
            403,
            "{method} {path}"
        );
        assert_ne!(
            guarded
                .send(&writer, method, path, body)
                .await
                .status
                .as_u16()
                / 100,
            5,
            "{method} {path}"
        );
        assert_ne!(
            guarded.send(&writer, method, path, body).await.status,
            403,
            "{method} {path}"
        );
    }
    for (method, path, body) in [
        ("GET", "/v1/users", ""),
        ("HEAD", "/v1/users", ""),
        ("QUERY", "/v1/users", "{}"),
        ("GET", "/v1/users/x", ""),
        ("GET", "/v1/users/changes", ""),
    ] {
        assert_eq!(
            guarded.send(&writer, method, path, body).await.status,
            403,
            "{method} {path}"
        );
        assert_ne!(
            guarded.send(&reader, method, path, body).await.status,
            403,
            "{method} {path}"
        );
    }
    for path in ["/", "/.well-known/jwks.json", "/problems/unauthorized"] {
        assert_eq!(
            guarded.app.get(path).await.status,
            200,
            "{path} is for everybody"
        );
    }
    assert_eq!(
        guarded
            .app
            .send("OPTIONS", "/v1/users", &[], "")
            .await
            .status,
        204
    );
    assert_eq!(
        guarded.app.send("FROB", "/v1/users", &[], "").await.status,
        405
    );
}

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
            .contains("no client")
    );
    let taken = client_command(url, &["create", "--scope", "users:read", "--id", &id]).await;
    assert!(
        taken.unwrap_err().contains("already"),
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

#[tokio::test(flavor = "multi_thread")]
async fn one_clients_idempotency_keys_are_not_anothers() {
    let guarded = GuardedApp::start(&[]).await;
    let user = |email: &str| json!({"email": email, "name": "A"}).to_string();
    for (n, token) in [
        guarded.token("users:write").await,
        guarded.token("users:write").await,
    ]
    .iter()
    .enumerate()
    {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "same"),
        ];
        let answer = guarded
            .app
            .send(
                "POST",
                "/v1/users",
                &headers,
                &user(&format!("{n}@example.com")),
            )
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.header("idempotency-replayed"), "");
    }
}
