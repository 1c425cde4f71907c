//! How much memory a body takes that was made to take much: generated bodies against the app, under an allocator that
//! counts. A program of its own, since nothing else may allocate meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::panic,
    clippy::similar_names,
    reason = "a test fails by panicking"
)]

#[path = "../it/test_app.rs"]
#[allow(dead_code, reason = "what the other tests need of it")]
mod test_app;

use fastrand::Rng;
use peak_alloc::PeakAlloc;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use test_app::{TestApp, path};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LIMIT: usize = 65_536;
/// What the contract of the service allows a body.
const MOST: usize = 8 * LIMIT;
const ROUNDS: usize = 400;

/// A value of about `bytes`, of a kind that takes far more memory than bytes.
fn value(random: &mut Rng, bytes: usize) -> String {
    let times = |text: &str| text.repeat(bytes / text.len());
    match random.u8(..8) {
        0 => format!("\"{}\"", "a".repeat(bytes)),
        1 => format!("[{}0]", times("0,")),
        2 => format!("[{}0]", times("[],")),
        3 => format!("[{}0]", times("{\"\":0},")),
        4 => format!("[{}0]", times("\"\",")),
        5 => {
            let members: Vec<_> = (0..bytes / 9).map(|n| format!("\"{n:x}\":0")).collect();
            format!("{{{}}}", members.join(","))
        }
        6 => {
            let depth = bytes.min(100);
            format!("{}{}", "[".repeat(depth), "]".repeat(depth))
        }
        _ => "null".to_owned(),
    }
}

fn pointer(random: &mut Rng) -> &'static str {
    ["", "/a", "/b", "/a/-", "/a/0", "/b/x", "/name", "/title"][random.usize(..8)]
}

fn operations(random: &mut Rng) -> String {
    let share = [50, 500, 5_000, 50_000][random.usize(..4)];
    let mut patch = format!(
        "[{{\"op\":\"add\",\"path\":\"/a\",\"value\":{}}}",
        value(random, share)
    );
    // Copies into what is copied, and whatever comes.
    let doubling = random.bool();
    while patch.len() < LIMIT - 8_192 && random.u8(..) > 0 {
        let (from, path) = (pointer(random), pointer(random));
        let next = match random.u8(..6) {
            _ if doubling => "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}".to_owned(),
            0 => format!("{{\"op\":\"copy\",\"from\":\"{from}\",\"path\":\"{path}\"}}"),
            1 => format!("{{\"op\":\"move\",\"from\":\"{from}\",\"path\":\"{path}\"}}"),
            2 => format!("{{\"op\":\"remove\",\"path\":\"{path}\"}}"),
            3 => format!(
                "{{\"op\":\"test\",\"path\":\"{path}\",\"value\":{}}}",
                value(random, 50)
            ),
            4 => format!(
                "{{\"op\":\"replace\",\"path\":\"{path}\",\"value\":{}}}",
                value(random, share / 4)
            ),
            _ => format!(
                "{{\"op\":\"add\",\"path\":\"{path}\",\"value\":{},\"x\":0}}",
                value(random, 50)
            ),
        };
        if patch.len() + next.len() + 2 > LIMIT {
            break;
        }
        patch.push(',');
        patch.push_str(&next);
    }
    patch.push(']');
    patch
}

/// A request with a body that was made to take memory.
fn attack(random: &mut Rng, user: &str) -> (String, String) {
    let whole = |random: &mut Rng| {
        let share = LIMIT - 100;
        format!("{{\"a\":{}}}", value(random, share))
    };
    match random.u8(..8) {
        0 => (format!("PATCH {user}"), whole(random)),
        1 => (format!("PUT {user}"), whole(random)),
        2 => ("POST /v1/users".into(), value(random, LIMIT - 100)),
        3 => ("QUERY /v1/users".into(), whole(random)),
        4 => {
            let pairs = "a=b&".repeat(2_000);
            ("POST /oauth/token".into(), pairs)
        }
        _ => (format!("PATCH {user}"), operations(random)),
    }
}

fn send(stream: &mut TcpStream, request: &[u8], answer: &mut [u8]) -> usize {
    stream.write_all(request).unwrap();
    let mut read = 0;
    loop {
        let count = stream.read(&mut answer[read..]).unwrap();
        read += count;
        if count == 0 {
            return read;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_takes_at_most_eight_times_its_limit_in_memory() {
    let app = TestApp::start_with(&["--worker-threads=1"]).await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let user = path(&user);
    let mut random = Rng::with_seed(6902);
    let mut answer = vec![0; 4 << 20];
    let mut worst = (0, String::new());
    for round in 0..ROUNDS {
        let (line, body) = attack(&mut random, &user);
        let media_type = match &line[..3] {
            "PAT" if body.starts_with('[') => "application/json-patch+json",
            _ if line.ends_with("token") => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let request = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(app.address).unwrap();
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let read =
            tokio::task::block_in_place(|| send(&mut stream, request.as_bytes(), &mut answer));
        let taken = MEMORY.peak_usage() - before;
        assert!(
            answer[..read].starts_with(b"HTTP/1.1 "),
            "{line}: no answer"
        );
        assert!(!answer[..read].starts_with(b"HTTP/1.1 5"), "{line}: {body}");
        let what = || format!("round {round}: {line} {}", &body[..body.len().min(200)]);
        // The first one fills what is filled once.
        if round > 0 && taken > worst.0 {
            worst = (taken, what());
        }
        assert!(round == 0 || taken <= MOST, "{taken} bytes for {}", what());
    }
    println!("{} of {MOST} bytes at the most, in {}", worst.0, worst.1);
}
