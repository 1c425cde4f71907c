//! However many paths clients make up, the number of series stays what it was.

use crate::test_app::TestApp;
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const REQUESTS: usize = 100_000;
const CONNECTIONS: usize = 4;
const AT_ONCE: usize = 500;

/// The names and labels of all series.
fn series(metrics: &str) -> BTreeSet<String> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, _)| series.to_owned())
        .collect()
}

fn random_text() -> String {
    let length = fastrand::usize(1..24);
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}

/// A request for a path, with a method, that nobody has thought of.
fn made_up() -> String {
    let text = random_text();
    let path = match fastrand::u8(..6) {
        0 => format!("/v1/users/{text}"),
        1 => format!("/problems/{text}"),
        2 => format!("/docs/{text}"),
        3 => format!("/{text}/{}", random_text()),
        4 => format!("/v1/users/{text}/{}", random_text()),
        _ => format!("/{text}?{}={text}", random_text()),
    };
    let method = if fastrand::u8(..10) == 0 {
        // No method has this letter first, so chance makes up none that is counted by its name.
        format!("X{}", random_text().to_uppercase())
    } else {
        "GET".to_owned()
    };
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

async fn ask_for_nonsense(app: &TestApp, count: usize) {
    let mut stream = TcpStream::connect(app.address).await.expect("a connection");
    let mut answers = Vec::new();
    for round in 0..count.div_ceil(AT_ONCE) {
        let here = AT_ONCE.min(count - round * AT_ONCE);
        let requests: String = (0..here).map(|_| made_up()).collect();
        stream.write_all(requests.as_bytes()).await.expect("sent");
        answers.clear();
        let mut answered = 0;
        while answered < here {
            let read = stream.read_buf(&mut answers).await.expect("answers");
            assert!(read > 0, "the connection ended after {answered} answers");
            answered = memchr::memmem::find_iter(&answers, b"HTTP/1.1 ").count();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_made_up_paths_add_no_series() {
    let app = TestApp::start().await;
    // Everything that such requests can be counted under.
    ask_for_nonsense(&app, 2_000).await;
    let before = series(&app.metrics().await);
    let load = (0..CONNECTIONS).map(|_| ask_for_nonsense(&app, REQUESTS / CONNECTIONS));
    futures_util::future::join_all(load).await;
    let metrics = app.metrics().await;
    let after = series(&metrics);
    let new: Vec<_> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:?}");
    assert_eq!(after.len(), before.len());
    let counted: f64 = metrics
        .lines()
        .filter(|line| line.starts_with("roster_http_requests_total{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum();
    assert!(counted >= 102_000.0, "{counted} requests were counted");
    println!(
        "{} series before and after {REQUESTS} requests",
        after.len()
    );
}
