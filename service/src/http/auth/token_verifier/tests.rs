//! Good tokens, what is remembered and for how long; `forgeries` are the bad ones.

mod forgeries;

use super::{Caller, OwnTokens, TokenVerifier};
use crate::domain::{Scope, Scopes};
use crate::http::auth::bad_token::BadToken;
use crate::http::auth::claims::{Expected, ScopeClaims};
use crate::http::auth::signing_keys::{KeyKind, SigningKeys, generate};
use crate::http::auth::trusted_keys::{TrustedKeys, unix_now};
use crate::metrics::{BuildInfo, Metrics};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::Arc;

const ISSUER: &str = "https://roster.example";
const AUDIENCE: &str = "users";

fn metrics() -> Arc<Metrics> {
    Metrics::new(
        &["/"],
        BuildInfo {
            version: "0",
            revision: "0",
        },
    )
    .unwrap()
}

fn keys(kind: KeyKind) -> SigningKeys {
    SigningKeys::from_pem(generate(kind).unwrap().as_bytes()).unwrap()
}

fn verifier(keys: &SigningKeys) -> Arc<TokenVerifier> {
    let own = OwnTokens {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
    };
    TokenVerifier::new(own, Some(keys), None, metrics())
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "billing", "scope": "users:read other:thing",
        "exp": unix_now() + 600, "nbf": unix_now() - 5, "iat": unix_now() - 5,
    })
}

fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (name, value) in changes {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(&name)
        } else {
            claims.as_object_mut().unwrap().insert(name, value)
        };
    }
    claims
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// The token with other bytes in place of its header, its signature left as it is.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", encode(header))
}

async fn outcome(verifier: &Arc<TokenVerifier>, token: &str) -> Result<Caller, BadToken> {
    assert_eq!(
        verifier.recall(token),
        None,
        "it was remembered before it was verified"
    );
    verifier.verify(token).await
}

#[tokio::test]
async fn a_good_token_names_its_client_and_its_scopes() {
    for kind in [KeyKind::Ed25519, KeyKind::P256] {
        let keys = keys(kind);
        let verifier = verifier(&keys);
        let token = keys.sign(&claims()).unwrap();
        let caller = outcome(&verifier, &token).await.unwrap();
        assert_eq!(&*caller.client, "billing");
        assert_eq!(caller.scopes, [Scope::UsersRead].into_iter().collect());
        assert_eq!(verifier.recall(&token), Some(caller), "it is remembered");
    }
}

#[tokio::test]
async fn audiences_and_scopes_may_be_lists() {
    let keys = keys(KeyKind::Ed25519);
    let listed = claims_with(
        json!({"aud": ["x", AUDIENCE], "scope": null, "scp": ["users:read", "users:write"]}),
    );
    let caller = outcome(&verifier(&keys), &keys.sign(&listed).unwrap())
        .await
        .unwrap();
    let both: Scopes = [Scope::UsersRead, Scope::UsersWrite].into_iter().collect();
    assert_eq!(caller.scopes, both);
}

#[tokio::test]
async fn a_token_without_a_key_id_is_taken_only_when_there_is_one_key_it_can_mean() {
    let key = |kind| generate(kind).unwrap();
    let one = SigningKeys::from_pem(key(KeyKind::Ed25519).as_bytes()).unwrap();
    let token = {
        // Signed over a header without a key id.
        let header = jsonwebtoken::Header {
            typ: Some("at+jwt".into()),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, &claims(), &one.signing_key()).unwrap()
    };
    assert!(outcome(&verifier(&one), &token).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_taken_away_take_their_remembered_tokens_with_them() {
    let old = keys(KeyKind::Ed25519);
    let new = keys(KeyKind::P256);
    let verifier = verifier(&old);
    let token = old.sign(&claims()).unwrap();
    verifier.verify(&token).await.unwrap();
    verifier.set_own_keys(&old);
    assert!(
        verifier.recall(&token).is_some(),
        "the same keys change nothing"
    );
    verifier.set_own_keys(&new);
    assert_eq!(verifier.recall(&token), None);
    assert_eq!(verifier.verify(&token).await, Err(BadToken::UnknownKey));
    assert!(verifier.verify(&new.sign(&claims()).unwrap()).await.is_ok());
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_exp() {
    let keys = keys(KeyKind::Ed25519);
    let verifier = verifier(&keys);
    // Within the leeway for one or two seconds more.
    let token = keys
        .sign(&claims_with(json!({"exp": unix_now() - 29})))
        .unwrap();
    verifier.verify(&token).await.unwrap();
    assert!(verifier.recall(&token).is_some());
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert_eq!(verifier.recall(&token), None);
    assert_eq!(verifier.verify(&token).await, Err(BadToken::Expired));
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let keys = keys(KeyKind::Ed25519);
    let verifier = verifier(&keys);
    let filler = "x".repeat(5_000);
    for i in 0..4_000 {
        let token = keys
            .sign(&claims_with(json!({"jti": i, "filler": filler})))
            .unwrap();
        verifier.verify(&token).await.unwrap();
    }
    let remembered = verifier.keys.load().remembered();
    assert!(
        (500..2_600).contains(&remembered),
        "{remembered} tokens of 7 KB are remembered, 16 MiB are meant"
    );
}

/// Many issuers do not follow RFC 9068: what is demanded of Roster's own tokens is not of theirs.
#[test]
fn another_issuers_tokens_may_be_of_another_type_and_name_their_client_elsewhere() {
    let keys = keys(KeyKind::Ed25519);
    let expected = Expected {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        scope_claims: Arc::new(ScopeClaims::default()),
        is_own: false,
        client_prefix: "oidc:",
    };
    let trusted = TrustedKeys::of_own(&[], &expected);
    let trusted = trusted.with_issuer_keys(keys.public(), &expected).unwrap();
    for typ in [Some("JWT"), Some("at+jwt"), None] {
        let header = jsonwebtoken::Header {
            typ: typ.map(str::to_owned),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA)
        };
        let claims = claims_with(json!({"sub": null, "azp": "billing"}));
        let token = jsonwebtoken::encode(&header, &claims, &keys.signing_key()).unwrap();
        let caller = trusted.verify(&token, unix_now()).unwrap();
        assert_eq!(&*caller.client, "oidc:billing", "{typ:?}");
    }
}
