//! What a token costs the request that brings it: `cargo bench --bench tokens`.
//!
//! Nanoseconds a call, the best and the median of many rounds. Fails when a token that was seen before costs 5 µs.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for people who measure"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use roster::http::{KeyKind, OwnTokens, SigningKeys, TokenVerifier, generate_signing_key};
use roster::metrics::{BuildInfo, Metrics};
use serde_json::json;

const ROUNDS: usize = 200;
const CALLS: u32 = 2_000;
/// Tokens in use at a time.
const TOKENS: usize = 1_000;
const LIMIT_NS: f64 = 5_000.0;

/// Prints and gives the median.
fn measure(what: &str, calls: u32, mut call: impl FnMut(usize)) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            for n in 0..calls as usize {
                call(n);
            }
            started.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let median = rounds[ROUNDS / 2];
    println!("{what:<44} {:>8.0} {median:>8.0}", rounds[0]);
    median
}

fn main() -> ExitCode {
    let build = BuildInfo {
        version: "0",
        revision: "0",
    };
    let metrics = Metrics::new(&["/"], build).expect("metrics");
    println!("{:<44} {:>8} {:>8}  (ns a call)", "", "best", "median");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut slowest = 0.0_f64;
    for (name, kind) in [("EdDSA", KeyKind::Ed25519), ("ES256", KeyKind::P256)] {
        let pem = generate_signing_key(kind).expect("a key");
        let keys = SigningKeys::from_pem(pem.as_bytes()).expect("keys");
        let own = OwnTokens {
            issuer: "roster".to_owned(),
            audience: "roster".to_owned(),
        };
        let verifier = TokenVerifier::new(own, Some(&keys), None, metrics.clone());
        let tokens: Vec<String> = (0..TOKENS).map(|n| token(&keys, n)).collect();
        let what = format!("{name}: seen for the first time");
        // Each token once: from then on it is remembered.
        let first = Instant::now();
        for token in &tokens {
            runtime.block_on(verifier.verify(token)).expect("is good");
        }
        #[expect(clippy::cast_precision_loss, reason = "a thousand")]
        let each = first.elapsed().as_secs_f64() * 1e9 / TOKENS as f64;
        println!("{what:<44} {:>8} {each:>8.0}", "");
        let what = format!("{name}: one of {TOKENS} seen before");
        let median = measure(&what, CALLS, |n| {
            let token = &tokens[(n * 7) % TOKENS];
            black_box(verifier.recall(black_box(token)).expect("is remembered"));
        });
        slowest = slowest.max(median);
    }
    if slowest < LIMIT_NS {
        return ExitCode::SUCCESS;
    }
    println!("a token that was seen before costs {slowest:.0} ns; {LIMIT_NS:.0} are allowed");
    ExitCode::FAILURE
}

fn token(keys: &SigningKeys, n: usize) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    keys.sign(&json!({
        "iss": "roster", "aud": "roster", "sub": format!("client-{n}"), "scope": "users:read users:write",
        "iat": now, "exp": now + 3600, "jti": format!("{n:032}"),
    }))
    .expect("a token")
}
