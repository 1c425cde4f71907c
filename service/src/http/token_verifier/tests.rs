//! The matrix of bad tokens, what is remembered and for how long, and what remembering saves.

use super::super::auth::{Auth, Refusal};
use super::super::signing_keys::{KeyKind, SigningKeys, generate};
use super::super::trusted_keys::{BadToken, unix_now};
use super::{Caller, OwnTokens, TokenVerifier};
use crate::domain::{Scope, Scopes};
use crate::metrics::{BuildInfo, Metrics};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

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
    assert_eq!(caller.scopes, Scopes::all());
}

#[tokio::test]
async fn claims_that_do_not_fit_are_refused() {
    let keys = keys(KeyKind::Ed25519);
    let verifier = verifier(&keys);
    let now = unix_now();
    let matrix = [
        (
            json!({"iss": "https://elsewhere.example"}),
            BadToken::WrongIssuer,
        ),
        (json!({"iss": null}), BadToken::BadClaims),
        (json!({"iss": [ISSUER]}), BadToken::BadClaims),
        (json!({"aud": "other"}), BadToken::WrongAudience),
        (
            json!({"aud": ["other", "another"]}),
            BadToken::WrongAudience,
        ),
        (json!({"aud": null}), BadToken::BadClaims),
        (json!({"exp": now - 61}), BadToken::Expired),
        (json!({"exp": 0}), BadToken::Expired),
        (json!({"exp": null}), BadToken::BadClaims),
        (json!({"exp": "tomorrow"}), BadToken::BadClaims),
        (json!({"exp": -1}), BadToken::BadClaims),
        (json!({"nbf": now + 61}), BadToken::NotYet),
        (json!({"nbf": "later"}), BadToken::BadClaims),
        (json!({"sub": null}), BadToken::BadClaims),
        (json!({"sub": ""}), BadToken::BadClaims),
        (json!({"sub": "a\u{0}b"}), BadToken::BadClaims),
        (json!({"sub": "x".repeat(256)}), BadToken::BadClaims),
    ];
    for (changes, expected) in matrix {
        let token = keys.sign(&claims_with(changes.clone())).unwrap();
        assert_eq!(outcome(&verifier, &token).await, Err(expected), "{changes}");
        assert_eq!(
            verifier.recall(&token),
            None,
            "a bad token is never remembered: {changes}"
        );
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table of forgeries")]
async fn the_header_chooses_neither_the_algorithm_nor_a_key_of_its_own() {
    let keys = keys(KeyKind::P256);
    let verifier = verifier(&keys);
    let good = keys.sign(&claims()).unwrap();
    let id = keys.public()[0].id.clone();
    let (message, _) = good.rsplit_once('.').unwrap();
    let (_, body) = message.split_once('.').unwrap();

    let none = format!("{}.{body}.", encode(&json!({"alg": "none", "kid": id})));
    assert_eq!(outcome(&verifier, &none).await, Err(BadToken::Malformed));

    // HMAC with what everybody can read from the published set, in each form in which one might try it.
    let jwks = keys.jwks();
    let set: Value = serde_json::from_slice(&jwks).unwrap();
    let public = &set["keys"][0];
    let point = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(public[name].as_str().unwrap())
            .unwrap()
    };
    let raw = [vec![4], point("x"), point("y")].concat();
    for secret in [raw, jwks.to_vec(), public.to_string().into_bytes()] {
        let header = jsonwebtoken::Header {
            kid: id.clone(),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
        };
        let forged = jsonwebtoken::encode(
            &header,
            &claims(),
            &jsonwebtoken::EncodingKey::from_secret(&secret),
        )
        .unwrap();
        assert_eq!(
            outcome(&verifier, &forged).await,
            Err(BadToken::BadSignature)
        );
    }

    for header in [
        json!({"alg": "ES384", "kid": id}),
        json!({"alg": "EdDSA", "kid": id}),
        json!({"alg": "RS256", "kid": id}),
    ] {
        assert_eq!(
            outcome(&verifier, &with_header(&good, &header)).await,
            Err(BadToken::BadSignature),
            "{header}"
        );
    }
    // A key that the token brings along is not looked at.
    let stranger = super::tests::keys(KeyKind::P256);
    let set: Value = serde_json::from_slice(&stranger.jwks()).unwrap();
    let header = encode(
        &json!({"alg": "ES256", "kid": id, "jwk": set["keys"][0], "jku": "https://evil.example/keys"}),
    );
    let theirs = stranger.sign(&claims()).unwrap();
    let (_, signature) = theirs.rsplit_once('.').unwrap();
    assert_eq!(
        outcome(&verifier, &format!("{header}.{body}.{signature}")).await,
        Err(BadToken::BadSignature)
    );
    assert_eq!(outcome(&verifier, &theirs).await, Err(BadToken::UnknownKey));
    let unknown = with_header(&good, &json!({"alg": "ES256", "kid": "unknown"}));
    assert_eq!(
        outcome(&verifier, &unknown).await,
        Err(BadToken::UnknownKey)
    );
    let critical = with_header(
        &good,
        &json!({"alg": "ES256", "kid": id, "crit": ["b64"], "b64": false}),
    );
    assert_eq!(
        outcome(&verifier, &critical).await,
        Err(BadToken::Malformed)
    );
    let other_use = with_header(
        &good,
        &json!({"alg": "ES256", "kid": id, "typ": "logout+jwt"}),
    );
    assert_eq!(
        outcome(&verifier, &other_use).await,
        Err(BadToken::Malformed)
    );
}

#[tokio::test]
async fn a_token_that_was_touched_or_is_garbage_is_refused() {
    let keys = keys(KeyKind::Ed25519);
    let verifier = verifier(&keys);
    let good = keys.sign(&claims()).unwrap();
    let [header, body, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let richer = encode(&claims_with(json!({"scope": "users:read users:write"})));
    assert_eq!(
        outcome(&verifier, &format!("{header}.{richer}.{signature}")).await,
        Err(BadToken::BadSignature)
    );
    assert_eq!(
        outcome(&verifier, &format!("{header}.{body}.")).await,
        Err(BadToken::BadSignature)
    );
    let too_long = "a".repeat(100_000);
    let dots = ".".repeat(5_000);
    let nested = format!(
        "{}.{body}.{signature}",
        URL_SAFE_NO_PAD.encode("[".repeat(4_000))
    );
    for garbage in [
        "x",
        "a.b",
        "a.b.c",
        "....",
        &too_long,
        &dots,
        &nested,
        &format!("{good}.{good}"),
        &good[1..],
    ] {
        let refused = outcome(&verifier, garbage).await.unwrap_err();
        assert_eq!(
            refused,
            BadToken::Malformed,
            "{}",
            &garbage[..garbage.len().min(40)]
        );
    }
}

#[tokio::test]
async fn a_token_without_a_key_id_is_taken_only_when_there_is_one_key_it_can_mean() {
    let key = |kind| generate(kind).unwrap();
    let one = SigningKeys::from_pem(key(KeyKind::Ed25519).as_bytes()).unwrap();
    let token = {
        // Signed over a header without a key id.
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
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

#[tokio::test]
async fn a_caller_is_read_from_exactly_one_bearer_field() {
    let keys = keys(KeyKind::Ed25519);
    let auth = Auth::Required(verifier(&keys));
    let token = keys.sign(&claims()).unwrap();
    let caller = |fields: Vec<String>| {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::AUTHORIZATION, field.parse().unwrap());
        }
        let auth = auth.clone();
        async move { auth.caller(&headers).await }
    };
    assert!(caller(vec![format!("Bearer {token}")]).await.is_ok());
    assert!(caller(vec![format!("bearer  {token}")]).await.is_ok());
    assert_eq!(caller(vec![]).await, Err(Refusal::NoToken));
    assert_eq!(
        caller(vec!["Basic eDp5".into()]).await,
        Err(Refusal::NoToken)
    );
    assert_eq!(caller(vec!["Bearer".into()]).await, Err(Refusal::NoToken));
    assert_eq!(caller(vec![token.clone()]).await, Err(Refusal::NoToken));
    let malformed = Err(Refusal::BadToken(BadToken::Malformed));
    assert_eq!(caller(vec!["Bearer ".into()]).await, malformed);
    assert_eq!(caller(vec!["Bearer \u{e4}.b.c".into()]).await, malformed);
    assert_eq!(
        caller(vec![format!("Bearer {token}"), format!("Bearer {token}")]).await,
        malformed
    );
    let reader = caller(vec![format!("Bearer {token}")]).await.unwrap();
    assert_eq!(reader.require(Scope::UsersRead), Ok(()));
    let lacking = reader.require(Scope::UsersWrite).unwrap_err();
    let challenge = lacking.challenge().unwrap();
    assert_eq!(
        challenge,
        r#"Bearer realm="roster", error="insufficient_scope", scope="users:write""#
    );
}

/// The bound is the contract's; the number is printed (`--nocapture`).
#[tokio::test]
async fn a_token_seen_before_costs_less_than_five_microseconds() {
    let keys = keys(KeyKind::P256);
    let verifier = verifier(&keys);
    let auth = Auth::Required(verifier.clone());
    let mut headers = HeaderMap::new();
    headers.insert(
        header::AUTHORIZATION,
        format!("Bearer {}", keys.sign(&claims()).unwrap())
            .parse()
            .unwrap(),
    );
    auth.caller(&headers).await.unwrap();
    let best_of = |rounds: u32| {
        let (auth, headers) = (auth.clone(), headers.clone());
        async move {
            let mut best = f64::MAX;
            for _ in 0..rounds {
                let began = Instant::now();
                for _ in 0..1_000 {
                    std::hint::black_box(auth.caller(&headers).await.unwrap());
                }
                best = best.min(began.elapsed().as_secs_f64() / 1_000.0);
            }
            best
        }
    };
    let seconds = best_of(50).await;
    println!("a remembered token: {:.3} µs", seconds * 1e6);
    assert!(seconds < 5e-6, "{} µs", seconds * 1e6);
}
