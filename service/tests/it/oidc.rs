//! Tokens of an OIDC issuer: its keys rotate, it goes away, and strangers try to make the service ask it.

use crate::access::{claims, unix_now};
use crate::test_app::{Answer, TestApp};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use roster::http::{KeyKind, SigningKeys, generate_signing_key};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An issuer in this process.
pub(crate) struct Issuer {
    address: SocketAddr,
    /// What it publishes, in PEM; the first key signs.
    published: Mutex<String>,
    /// Published instead, when it is set.
    pub(crate) key_set: Mutex<Option<Value>>,
    /// Where its key set redirects to, when that is set.
    pub(crate) keys_moved_to: Mutex<Option<String>>,
    away: AtomicBool,
    redirects: AtomicBool,
    /// Takes connections and says nothing on them.
    silent: AtomicBool,
    /// Connections on which nothing is said and that are open.
    held: AtomicUsize,
    pub(crate) fetches: AtomicUsize,
}

fn key(kind: KeyKind) -> String {
    generate_signing_key(kind).expect("a key")
}

impl Issuer {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = Arc::new(Self {
            address: listener.local_addr().expect("an address"),
            published: Mutex::new(key(KeyKind::P256)),
            key_set: Mutex::default(),
            keys_moved_to: Mutex::default(),
            away: AtomicBool::new(false),
            redirects: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            fetches: AtomicUsize::new(0),
        });
        let answering = issuer.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if answering.away.load(Ordering::Relaxed) {
                    continue;
                }
                let issuer = answering.clone();
                if answering.silent.load(Ordering::Relaxed) {
                    issuer.held.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(async move {
                        let mut heard = Vec::new();
                        let _ = stream.read_to_end(&mut heard).await;
                        issuer.held.fetch_sub(1, Ordering::Relaxed);
                    });
                    continue;
                }
                let service = service_fn(move |request| {
                    let answer = issuer.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        issuer
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let url = self.url();
        if self.redirects.load(Ordering::Relaxed) {
            let moved = Response::builder()
                .status(StatusCode::FOUND)
                .header("location", format!("{url}/elsewhere"));
            return moved.body(Full::default()).expect("an answer");
        }
        let body = match request.uri().path() {
            "/.well-known/openid-configuration" => {
                json!({"issuer": url, "jwks_uri": format!("{url}/keys?p=sign_in")})
                    .to_string()
                    .into()
            }
            "/keys" | "/moved" => {
                let moved = self.keys_moved_to.lock().unwrap().clone();
                if let Some(location) = moved.filter(|_| request.uri().path() == "/keys") {
                    let moved = Response::builder().status(StatusCode::MOVED_PERMANENTLY);
                    let moved = moved.header("location", location).body(Full::default());
                    return moved.expect("an answer");
                }
                self.fetches.fetch_add(1, Ordering::Relaxed);
                let set = self.key_set.lock().unwrap().clone();
                set.map_or_else(|| self.keys().jwks(), |set| set.to_string().into())
            }
            other => panic!("the issuer was asked for {other}"),
        };
        Response::new(Full::new(body))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn keys(&self) -> SigningKeys {
        SigningKeys::from_pem(self.published.lock().unwrap().as_bytes()).expect("keys")
    }

    fn token(&self, changes: Value) -> String {
        self.keys()
            .sign(&claims(&self.url(), "users", changes))
            .expect("a token")
    }

    /// Signs with a key that nobody has fetched yet.
    fn rotate_to_a_new_key(&self) {
        *self.published.lock().unwrap() = key(KeyKind::Ed25519);
    }

    fn rotate(&self) {
        let mut published = self.published.lock().unwrap();
        *published = format!("{}{published}", key(KeyKind::Ed25519));
    }
}

pub(crate) async fn guarded_by(issuer: &Issuer) -> TestApp {
    guarded_with(issuer, &[]).await
}

/// With further settings.
pub(crate) async fn guarded_with(issuer: &Issuer, further: &[&str]) -> TestApp {
    let url = issuer.url();
    let settings = [
        "--auth",
        "required",
        "--oidc-issuer",
        &url,
        "--oidc-audience",
        "users",
    ];
    TestApp::start_with(&[&settings, further].concat()).await
}

pub(crate) async fn get(app: &TestApp, token: &str) -> Answer {
    app.send(
        "GET",
        "/v1/users",
        &[("authorization", &format!("Bearer {token}"))],
        "",
    )
    .await
}

pub(crate) async fn until_ready(app: &TestApp) {
    for _ in 0..200 {
        if app.readiness().await == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the service did not become ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_good_token_is_refused_while_the_issuer_rotates_its_keys_and_goes_away() {
    let issuer = Issuer::start().await;
    let app = Arc::new(guarded_by(&issuer).await);
    until_ready(&app).await;
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let load = (0..8).map(|n| {
        let (app, issuer) = (app.clone(), issuer.clone());
        let (stop, answered) = (stop.clone(), answered.clone());
        tokio::spawn(async move {
            let mut tokens = 0;
            while !stop.load(Ordering::Relaxed) {
                // A token of its own for every second request: half of them were never seen before.
                let token = issuer.token(json!({"jti": format!("{n}-{tokens}")}));
                for _ in 0..2 {
                    let answer = get(&app, &token).await;
                    assert_eq!(answer.status, 200, "{answer:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                tokens += 1;
            }
        })
    });
    let load: Vec<_> = load.collect();
    let further = async |requests: usize| {
        let wanted = answered.load(Ordering::Relaxed) + requests;
        while answered.load(Ordering::Relaxed) < wanted && !load.iter().any(JoinHandle::is_finished)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    further(100).await;
    issuer.rotate();
    further(200).await;
    issuer.away.store(true, Ordering::Relaxed);
    further(300).await;
    stop.store(true, Ordering::Relaxed);
    for client in load {
        client.await.expect("no request was refused");
    }
    println!(
        "{} requests, none refused, {} fetches of the keys",
        answered.load(Ordering::Relaxed),
        issuer.fetches.load(Ordering::Relaxed)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_by_a_new_key_is_not_called_bad_while_the_issuer_is_away() {
    let issuer = Issuer::start().await;
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    let known = issuer.token(json!({}));
    issuer.rotate();
    issuer.away.store(true, Ordering::Relaxed);
    let answer = get(&app, &issuer.token(json!({}))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (503, "unavailable")
    );
    assert_eq!(
        get(&app, &known).await.status,
        200,
        "keys at hand stay in use"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_says_nothing_holds_up_nobody_for_as_long_as_it_is_asked() {
    let issuer = Issuer::start().await;
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    issuer.rotate_to_a_new_key();
    issuer.silent.store(true, Ordering::Relaxed);
    let answer = get(&app, &issuer.token(json!({}))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (503, "unavailable"),
        "it is unknown whether the token is valid"
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(
        issuer.held.load(Ordering::Relaxed),
        1,
        "the client was answered while the issuer was still being asked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_make_the_issuer_be_asked_once_in_ten_seconds() {
    let issuer = Issuer::start().await;
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    let at_start = issuer.fetches.load(Ordering::Relaxed);
    let stranger = SigningKeys::from_pem(key(KeyKind::Ed25519).as_bytes()).unwrap();
    for n in 0..50 {
        let token = stranger
            .sign(&claims(&issuer.url(), "users", json!({"jti": n})))
            .unwrap();
        assert_eq!(get(&app, &token).await.status, 401);
    }
    assert_eq!(issuer.fetches.load(Ordering::Relaxed), at_start + 1);
    let elsewhere = stranger
        .sign(&claims("https://elsewhere.example", "users", json!({})))
        .unwrap();
    assert_eq!(get(&app, &elsewhere).await.status, 401);
    let metrics = app.metrics().await;
    assert!(
        metrics.contains("roster_oidc_fetches_total{result=\"success\"} 2"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuers_tokens_are_checked_like_any_other() {
    let issuer = Issuer::start().await;
    let app = guarded_by(&issuer).await;
    until_ready(&app).await;
    assert_eq!(get(&app, &issuer.token(json!({}))).await.status, 200);
    for changes in [
        json!({"aud": "others"}),
        json!({"iss": "https://other.example"}),
        json!({"exp": unix_now() - 61}),
        json!({"nbf": unix_now() + 61}),
        json!({"sub": null}),
    ] {
        assert_eq!(
            get(&app, &issuer.token(changes.clone())).await.status,
            401,
            "{changes}"
        );
    }
    assert_eq!(
        get(&app, &issuer.token(json!({"scope": "users:write"})))
            .await
            .status,
        403
    );
    assert_eq!(
        get(
            &app,
            &issuer.token(json!({"scope": null, "scp": ["users:read"]}))
        )
        .await
        .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_issuer_never_answered_is_not_ready_and_calls_no_token_bad() {
    let issuer = Issuer::start().await;
    issuer.redirects.store(true, Ordering::Relaxed);
    let app = guarded_by(&issuer).await;
    let token = issuer.token(json!({}));
    let began = Instant::now();
    let answer = get(&app, &token).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (503, "unavailable")
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(app.readiness().await, 503);
    assert_eq!(
        issuer.fetches.load(Ordering::Relaxed),
        0,
        "a redirect that never ends is given up"
    );
    issuer.redirects.store(false, Ordering::Relaxed);
    until_ready(&app).await;
    assert_eq!(get(&app, &token).await.status, 200);
}
