//! The matrix of bad tokens.

use super::{ISSUER, claims, claims_with, encode, keys, outcome, unix_now, verifier, with_header};
use crate::http::auth::bad_token::BadToken;
use crate::http::auth::signing_keys::KeyKind;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

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
        (
            json!({"sub": null, "client_id": "billing", "azp": "billing"}),
            BadToken::BadClaims,
        ),
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

/// RFC 9068, 4. A token of another kind that the same key signs is never taken for an access token.
#[tokio::test]
async fn own_tokens_are_of_the_type_of_access_tokens() {
    let keys = keys(KeyKind::Ed25519);
    let verifier = verifier(&keys);
    for (typ, accepted) in [
        (Some("at+jwt"), true),
        (Some("application/AT+JWT"), true),
        (Some("JWT"), false),
        (None, false),
    ] {
        let header = jsonwebtoken::Header {
            typ: typ.map(str::to_owned),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA)
        };
        let token = jsonwebtoken::encode(&header, &claims(), &keys.signing_key()).unwrap();
        let outcome = outcome(&verifier, &token).await;
        let expected = if accepted {
            Ok(())
        } else {
            Err(BadToken::WrongType)
        };
        assert_eq!(outcome.map(drop), expected, "{typ:?}");
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
            Err(BadToken::WrongAlgorithm)
        );
    }

    for header in [
        json!({"alg": "ES384", "kid": id}),
        json!({"alg": "EdDSA", "kid": id}),
        json!({"alg": "RS256", "kid": id}),
    ] {
        assert_eq!(
            outcome(&verifier, &with_header(&good, &header)).await,
            Err(BadToken::WrongAlgorithm),
            "{header}"
        );
    }
    // A key that the token brings along is not looked at.
    let stranger = super::keys(KeyKind::P256);
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
    let too_long = "a".repeat(9 * 1024);
    assert_eq!(outcome(&verifier, &too_long).await, Err(BadToken::TooLong));
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
