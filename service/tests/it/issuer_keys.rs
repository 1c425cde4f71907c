//! Key sets and tokens as real issuers publish and sign them.

use crate::access::claims;
use crate::oidc::{Issuer, get, guarded_by, guarded_with, until_ready};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use roster::http::{KeyKind, SigningKeys, generate_signing_key};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// A key pair of an issuer, published and used under a name of its own choice.
struct IssuerKey {
    signing: EncodingKey,
    algorithm: Algorithm,
    public: Value,
}

impl IssuerKey {
    fn rsa(algorithm: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().expect("its encoding");
        let public = pair.public_key();
        let component = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let n = component(public.modulus().big_endian_without_leading_zero());
        let e = component(public.exponent().big_endian_without_leading_zero());
        Self {
            signing: EncodingKey::from_rsa_der(rsa_private_key(pkcs8.as_ref())),
            algorithm: algorithm.parse().expect("an algorithm"),
            public: json!({"kty": "RSA", "use": "sig", "alg": algorithm, "n": n, "e": e}),
        }
    }

    fn ec() -> Self {
        let pem = generate_signing_key(KeyKind::P256).expect("a key");
        let keys = SigningKeys::from_pem(pem.as_bytes()).expect("keys");
        let set: Value = serde_json::from_slice(&keys.jwks()).expect("a set");
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(der);
        Self {
            signing: EncodingKey::from_ec_der(&der.expect("base64")),
            algorithm: Algorithm::ES256,
            public: set["keys"][0].clone(),
        }
    }

    fn published_as(&self, changes: &Value) -> Value {
        let mut key = self.public.clone();
        for (name, value) in changes.as_object().expect("an object") {
            key[name] = value.clone();
        }
        key
    }

    fn token(&self, issuer: &Issuer, kid: Option<&str>, changes: Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = kid.map(ToOwned::to_owned);
        let claims = claims(&issuer.url(), "users", changes);
        jsonwebtoken::encode(&header, &claims, &self.signing).expect("a token")
    }
}

/// The RSA private key within PKCS#8: what follows the algorithm's name, in an octet string of two length octets.
fn rsa_private_key(pkcs8: &[u8]) -> &[u8] {
    let name = [0x01, 0x01, 0x05, 0x00, 0x04, 0x82];
    let at = pkcs8
        .windows(name.len())
        .position(|window| window == name)
        .expect("an RSA key");
    &pkcs8[at + name.len() + 2..]
}

fn publish(issuer: &Issuer, keys: &[Value]) {
    *issuer.key_set.lock().unwrap() = Some(json!({ "keys": keys }));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_id_may_name_several_keys() {
    let issuer = Issuer::start().await;
    let (rsa, ec) = (IssuerKey::rsa("RS512"), IssuerKey::ec());
    let published = |alg: &str| rsa.published_as(&json!({"kid": "one", "alg": alg}));
    publish(
        &issuer,
        &[
            published("RS256"),
            published("RS384"),
            ec.published_as(&json!({"kid": "one"})),
            published("RS512"),
        ],
    );
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    for key in [&rsa, &ec] {
        let token = key.token(&issuer, Some("one"), json!({}));
        assert_eq!(get(&app, &token).await.status, 200, "{:?}", key.algorithm);
    }
    let stranger = IssuerKey::rsa("RS512").token(&issuer, Some("one"), json!({}));
    assert_eq!(get(&app, &stranger).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_unknown_types_hide_no_other_and_a_modulus_may_be_written_in_several_ways() {
    let issuer = Issuer::start().await;
    let rsa = IssuerKey::rsa("RS256");
    let n = URL_SAFE_NO_PAD
        .decode(rsa.public["n"].as_str().unwrap())
        .unwrap();
    let signed = [&[0], n.as_slice()].concat();
    let n = base64::engine::general_purpose::URL_SAFE.encode(signed);
    publish(
        &issuer,
        &[
            json!({"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AAAA"}),
            json!({"kty": "oct", "kid": "rsa", "alg": "HS256", "k": "c2VjcmV0"}),
            rsa.published_as(&json!({"kid": "rsa", "n": n})),
        ],
    );
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    let token = rsa.token(&issuer, Some("rsa"), json!({}));
    assert_eq!(get(&app, &token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_tokens_without_a_key_id_are_matched_by_algorithm_and_signature() {
    let issuer = Issuer::start().await;
    let (old, new) = (IssuerKey::rsa("RS256"), IssuerKey::rsa("RS256"));
    publish(&issuer, &[old.public.clone(), new.public.clone()]);
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    for (key, kid) in [(&old, None), (&new, None), (&new, Some("x"))] {
        let token = key.token(&issuer, kid, json!({}));
        assert_eq!(get(&app, &token).await.status, 200, "{kid:?}");
    }
    let stranger = IssuerKey::rsa("RS256").token(&issuer, None, json!({}));
    assert_eq!(get(&app, &stranger).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_rsa_key_that_names_no_algorithm_verifies_those_of_rsa() {
    let issuer = Issuer::start().await;
    let mut key = IssuerKey::rsa("RS256");
    let bound = IssuerKey::rsa("RS256");
    publish(
        &issuer,
        &[
            key.published_as(&json!({"kid": "free", "alg": null})),
            bound.published_as(&json!({"kid": "bound"})),
        ],
    );
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        key.algorithm = algorithm.parse().expect("an algorithm");
        let token = key.token(&issuer, Some("free"), json!({}));
        assert_eq!(get(&app, &token).await.status, 200, "{algorithm}");
    }
    // A key that names one verifies no other, and the response says that it is not the signature.
    let other = IssuerKey {
        algorithm: Algorithm::PS256,
        ..bound
    };
    let refused = get(&app, &other.token(&issuer, Some("bound"), json!({}))).await;
    assert_eq!(refused.status, 401);
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("algorithm (alg)"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_id_that_is_used_again_for_a_new_key_is_fetched_again() {
    let issuer = Issuer::start().await;
    let (old, new) = (IssuerKey::rsa("RS256"), IssuerKey::rsa("RS256"));
    publish(&issuer, &[old.published_as(&json!({"kid": "current"}))]);
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    publish(&issuer, &[new.published_as(&json!({"kid": "current"}))]);
    let token = new.token(&issuer, Some("current"), json!({}));
    assert_eq!(get(&app, &token).await.status, 200);
    let fetches = issuer.fetches.load(Ordering::Relaxed);
    for n in 0..20 {
        let token = old.token(&issuer, Some("current"), json!({"jti": n}));
        assert_eq!(get(&app, &token).await.status, 401);
    }
    assert_eq!(
        issuer.fetches.load(Ordering::Relaxed),
        fetches,
        "wrong signatures fetch no more often than unknown keys"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_set_may_have_moved_within_its_origin_and_nowhere_else() {
    let issuer = Issuer::start().await;
    let rsa = IssuerKey::rsa("RS256");
    publish(&issuer, std::slice::from_ref(&rsa.public));
    let elsewhere = issuer.url().replace("127.0.0.1", "localhost") + "/moved";
    *issuer.keys_moved_to.lock().unwrap() = Some(elsewhere);
    let app = guarded_by(&issuer).await;
    let token = rsa.token(&issuer, None, json!({}));
    assert_eq!(get(&app, &token).await.status, 503);
    assert_eq!(issuer.fetches.load(Ordering::Relaxed), 0);
    *issuer.keys_moved_to.lock().unwrap() = Some("/moved".into());
    until_ready(&app).await;
    assert_eq!(get(&app, &token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eddsa_signature_is_taken_by_its_name_of_rfc_9864() {
    let issuer = Issuer::start().await;
    let pair = Ed25519KeyPair::generate().expect("a key");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    publish(
        &issuer,
        &[json!({"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "kid": "ed", "x": x})],
    );
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    for alg in ["EdDSA", "Ed25519"] {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": alg, "kid": "ed", "typ": "at+jwt"});
        let claims = claims(&issuer.url(), "users", json!({}));
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()).as_ref());
        let answer = get(&app, &format!("{message}.{signature}")).await;
        assert_eq!(answer.status, 200, "{alg}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_may_stand_in_other_claims_and_behind_a_prefix() {
    let issuer = Issuer::start().await;
    let rsa = IssuerKey::rsa("RS256");
    publish(&issuer, std::slice::from_ref(&rsa.public));
    let settings = [
        "--oidc-scope-claims",
        "scope,roles,permissions",
        "--oidc-scope-prefix",
        "roster/",
    ];
    let app = guarded_with(&issuer, &settings).await;
    until_ready(&app).await;
    for (changes, status) in [
        (json!({"scope": null, "roles": ["roster/users:read"]}), 200),
        (json!({"scope": "roster/users:read openid"}), 200),
        (json!({"scope": null, "permissions": ["users:read"]}), 403),
        (json!({"scope": null, "scp": "roster/users:read"}), 403),
    ] {
        let token = rsa.token(&issuer, None, changes.clone());
        assert_eq!(get(&app, &token).await.status, status, "{changes}");
    }
}
