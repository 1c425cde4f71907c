//! Readers that wait for changes: known by what their request means, and bounded for each client.

use crate::access::GuardedApp;
use crate::test_app::TestApp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Asks until a further reader gets this status.
async fn wait_for(app: &GuardedApp, token: &str, path: &str, status: u16) {
    let begun = Instant::now();
    while app.send(token, "GET", path, "").await.status != status {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it never gets {status}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_it_is_spelled_waiting_takes_no_permit() {
    let app = Arc::new(TestApp::start_with(&["--queue-limit", "3"]).await);
    let end = app.get("/v1/users/changes").await.json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let spellings = [
        "changes?%77ait=20&after=",
        "%63hanges?wait=20&after=",
        "changes?w%61it=%320&after=",
    ];
    let readers = spellings.map(|spelling| {
        let (app, end) = (app.clone(), end.clone());
        tokio::spawn(async move {
            let path = format!("/v1/users/{spelling}{end}");
            // The one that looks whether all are there may have taken the place.
            while app.get(&path).await.status == 503 {}
        })
    });
    // Once a fourth finds no place among the waiting, all three are there.
    let begun = Instant::now();
    while app
        .get(&format!("/v1/users/changes?after={end}&wait=1"))
        .await
        .status
        != 503
    {
        assert!(begun.elapsed() < Duration::from_secs(18), "they never wait");
    }
    for _ in 0..10 {
        assert_eq!(app.get("/v1/users").await.status, 200);
    }
    for reader in readers {
        reader.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_holds_no_more_waiting_readers_than_its_share() {
    let app =
        Arc::new(GuardedApp::start(&["--queue-limit=8", "--waiting-readers-per-client=2"]).await);
    let greedy = app.token("users:read").await;
    let other = app.token("users:read").await;
    let page = app
        .send(&greedy, "GET", "/v1/users/changes", "")
        .await
        .json();
    let at = format!("/v1/users/changes?after={}", page["next"].as_str().unwrap());
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (app, token, path) = (app.clone(), greedy.clone(), format!("{at}&wait=25"));
            tokio::spawn(
                async move { while app.send(&token, "GET", &path, "").await.status == 429 {} },
            )
        })
        .collect();
    wait_for(&app, &greedy, &format!("{at}&wait=1"), 429).await;
    let refused = app.send(&greedy, "GET", &format!("{at}&wait=1"), "").await;
    assert_eq!(refused.problem(), "rate-limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        app.send(&greedy, "GET", &at, "").await.status,
        200,
        "it may read"
    );
    assert_eq!(
        app.send(&other, "GET", &format!("{at}&wait=1"), "")
            .await
            .status,
        200
    );
    for reader in readers {
        reader.abort();
    }
}
