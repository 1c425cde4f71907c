//! Calls need a good token with the right scope.

use crate::access::{GuardedApp, claims, unix_now};
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
