//! HTTP/2: many requests on one connection, and clients that abuse it.

use crate::certificates::{Certificates, connect, write};
use crate::test_app::TestApp;
use bytes::Bytes;
use http::Request;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const DATA: u8 = 0;
/// `OPTIONS *` over http, literally, and an authority.
const OPTIONS_ASTERISK: &[u8] = b"\x02\x07OPTIONS\x86\x04\x01*\x41\x01x";
/// `POST /v1/users` over http with JSON, which is announced to be of 60,000 bytes.
const POST_TOO_MUCH: &[u8] =
    b"\x83\x86\x04\x09/v1/users\x41\x01x\x0f\x10\x10application/json\x0f\x0d\x0560000";
/// `GET /` over http, from the static table of HPACK, and an authority.
const GET_ROOT: &[u8] = &[0x82, 0x86, 0x84, 0x41, 0x01, b'x'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection that has begun with the preface and settings.
async fn raw(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("is sent");
    stream
        .write_all(&frame(SETTINGS, 0, 0, &[]))
        .await
        .expect("is sent");
    stream
}

/// Everything the server says until it closes or has been silent for half a minute; whether it closed.
async fn listen(stream: &mut (impl AsyncReadExt + Unpin)) -> (Vec<u8>, bool) {
    let mut said = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(30), stream.read_buf(&mut said)).await {
            Ok(Ok(0) | Err(_)) => return (said, true),
            Ok(Ok(_)) => {}
            Err(_) => return (said, false),
        }
    }
}

fn kinds(mut said: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while said.len() >= 9 {
        let length = u32::from_be_bytes([0, said[0], said[1], said[2]]) as usize;
        kinds.push(said[3]);
        said = said.get(9 + length..).unwrap_or_default();
    }
    kinds
}

/// An honest client is answered, and soon.
async fn is_well(app: &TestApp) {
    let began = Instant::now();
    assert_eq!(app.get("/v1/users").await.status, 200);
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "an honest client waited for {:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_at_once_share_one_tls_connection() {
    let certificates = Certificates::new();
    let flags = certificates.flags();
    let app = TestApp::start_with(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let stream = connect(&certificates.connector(&[b"h2", b"http/1.1"]), app.address)
        .await
        .expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut client = client.ready().await.expect("ready");
    let mut answers = Vec::new();
    for n in 0..100 {
        let request = if n % 2 == 0 {
            Request::get("https://localhost/v1/users")
                .body(())
                .expect("a request")
        } else {
            Request::post("https://localhost/v1/users")
                .header("content-type", "application/json")
                .body(())
                .expect("a request")
        };
        let has_body = n % 2 != 0;
        let (answer, mut body) = client.send_request(request, !has_body).expect("is sent");
        if has_body {
            let user = format!(r#"{{"email":"{n}@example.com","name":"N"}}"#);
            body.send_data(Bytes::from(user), true).expect("is sent");
        }
        answers.push((n, answer));
        client = client.ready().await.expect("ready");
    }
    // Each is read by a task of its own: bodies that nobody reads fill the window that all share.
    let read = answers.into_iter().map(|(n, answer)| {
        tokio::spawn(async move {
            let answer = answer.await.expect("an answer");
            assert_eq!(answer.status(), if n % 2 == 0 { 200 } else { 201 });
            assert!(answer.headers().contains_key("x-request-id"));
            let mut body = answer.into_body();
            while let Some(data) = body.data().await {
                let length = data.expect("the body is whole").len();
                let flow = body.flow_control();
                flow.release_capacity(length).expect("flow control");
            }
        })
    });
    for answer in futures_util::future::join_all(read).await {
        answer.expect("every request was answered");
    }
    let metrics = app.metrics().await;
    assert!(metrics.contains("roster_http_connections 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_asks_a_hundred_times_at_once_over_one_connection() {
    let version = Command::new("curl").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("HTTP2")) {
        eprintln!(
            "not proven: curl --http2, because there is no curl that speaks it (Debian: curl)"
        );
        return;
    }
    let certificates = Certificates::new();
    let flags = certificates.flags();
    let app = TestApp::start_with(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let authority = certificates.folder.path().join("ca.crt");
    write(&authority, &certificates.authority_pem);
    let port = app.address.port();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--http2", "--parallel"])
        .args(["--parallel-max", "100", "--max-time", "60", "--cacert"])
        .arg(&authority)
        .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
        .args([
            "--write-out",
            "%{http_version} %{http_code} %{num_connects}\\n",
        ]);
    for _ in 0..100 {
        curl.args(["--output", "/dev/null"])
            .arg(format!("https://localhost:{port}/v1/users"));
    }
    let output = tokio::task::spawn_blocking(move || curl.output());
    let output = output.await.expect("no panic").expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 100, "{text}{words}");
    let opened = lines.iter().filter(|line| **line == "2 200 1").count();
    let shared = lines.iter().filter(|line| **line == "2 200 0").count();
    assert_eq!((opened, shared), (1, 99), "{text}");
    println!("curl --http2: 100 requests answered over {opened} connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn h2c_is_spoken_only_when_it_is_asked_for() {
    let with = TestApp::start_with(&["--h2c"]).await;
    assert_eq!(with.get("/").await.status, 200, "HTTP/1.1 is still spoken");
    let mut stream = raw(with.address).await;
    stream
        .write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, GET_ROOT))
        .await
        .expect("is sent");
    let (_, answered, _) = read_until(&mut stream, HEADERS).await;
    assert_eq!(answered, 1);
    let without = TestApp::start().await;
    let mut stream = raw(without.address).await;
    let (said, closed) = listen(&mut stream).await;
    assert!(closed, "the connection stays open");
    assert!(!kinds(&said).contains(&HEADERS), "HTTP/2 is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_opens_and_resets_streams_as_fast_as_it_can_harms_only_itself() {
    let app = TestApp::start_with(&["--h2c"]).await;
    is_well(&app).await;
    let attackers: Vec<_> = (0..4)
        .map(|_| {
            let address = app.address;
            tokio::spawn(async move {
                let (mut reader, mut writer) = raw(address).await.into_split();
                let reading = tokio::spawn(async move { listen(&mut reader).await });
                let mut sent = 0_u32;
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(3) && sent < 200_000 {
                    let burst: Vec<u8> = (0..100)
                        .flat_map(|n| {
                            let stream = 1 + 2 * (sent + n);
                            let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET_ROOT);
                            [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
                        })
                        .collect();
                    if writer.write_all(&burst).await.is_err() {
                        break;
                    }
                    sent += 100;
                }
                drop(writer);
                (sent, reading.await.expect("reads"))
            })
        })
        .collect();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        is_well(&app).await;
    }
    for attacker in attackers {
        let (sent, (said, closed)) = attacker.await.expect("the attacker ran");
        println!(
            "{sent} resets sent; closed by the server: {closed}; GOAWAY: {}",
            kinds(&said).contains(&GOAWAY)
        );
        assert!(closed, "the connection of an attacker stays open");
    }
    is_well(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_costs_the_connection_and_nothing_else() {
    let app = TestApp::start_with(&["--h2c"]).await;
    let mut attacker = raw(app.address).await;
    attacker
        .write_all(&frame(HEADERS, END_STREAM, 1, GET_ROOT))
        .await
        .expect("is sent");
    // A literal field that is not indexed, 1,000 bytes long, over and over.
    let field = [&[0x00, 0x01, b'a', 0x7f, 0xe9, 0x06][..], &[b'b'; 1_000]].concat();
    let more = frame(CONTINUATION, 0, 1, &field);
    let mut sent = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) && attacker.write_all(&more).await.is_ok() {
        sent += 1;
        if sent % 1_000 == 0 {
            is_well(&app).await;
        }
        assert!(
            sent < 100_000,
            "the server takes a head of {} MB",
            sent / 1_000
        );
    }
    let (said, closed) = listen(&mut attacker).await;
    println!(
        "{sent} CONTINUATION frames until the end; GOAWAY: {}",
        kinds(&said).contains(&GOAWAY)
    );
    assert!(closed, "the connection stays open");
    is_well(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_ends() {
    let app = TestApp::start_with(&["--h2c", "--header-timeout-ms", "500"]).await;
    let mut silent = TcpStream::connect(app.address).await.expect("a connection");
    let mut idle = raw(app.address).await;
    for stream in [&mut silent, &mut idle] {
        assert!(listen(stream).await.1, "it is kept open");
    }
}

/// Reads frames up to the first of a kind; gives the kinds before it, its stream and its payload.
async fn read_until(stream: &mut TcpStream, kind: u8) -> (Vec<u8>, u32, Vec<u8>) {
    let reading = async {
        let mut before = Vec::new();
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.expect("a frame");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            stream.read_exact(&mut payload).await.expect("its payload");
            if head[3] == kind {
                let of = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
                return (before, of, payload);
            }
            before.push(head[3]);
        }
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, reading)
        .await
        .expect("the frame comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn options_with_an_asterisk_is_answered_over_http_2_too() {
    let app = TestApp::start_with(&["--h2c"]).await;
    let mut stream = raw(app.address).await;
    let head = frame(HEADERS, END_STREAM | END_HEADERS, 1, OPTIONS_ASTERISK);
    stream.write_all(&head).await.expect("is sent");
    let (_, _, fields) = read_until(&mut stream, HEADERS).await;
    // 204 in the static table (RFC 7541, appendix A).
    assert_eq!(fields.first(), Some(&0x89), "{fields:x?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_refused_early_may_be_sent_to_its_end() {
    let app = TestApp::start_with(&["--h2c", "--body-limit-bytes=1024"]).await;
    let mut stream = raw(app.address).await;
    let head = frame(HEADERS, END_HEADERS, 1, POST_TOO_MUCH);
    stream.write_all(&head).await.expect("is sent");
    read_until(&mut stream, DATA).await;
    for (size, flags) in [(16_000, 0), (16_000, 0), (16_000, 0), (12_000, END_STREAM)] {
        let data = frame(DATA, flags, 1, &vec![b' '; size]);
        stream.write_all(&data).await.expect("is sent");
    }
    stream
        .write_all(&frame(PING, 0, 0, &[0; 8]))
        .await
        .expect("is sent");
    let (before, _, _) = read_until(&mut stream, PING).await;
    assert!(!before.contains(&RST_STREAM), "{before:?}");
    // The stream of one that never ends is reset in time.
    let endless = frame(HEADERS, END_HEADERS, 3, POST_TOO_MUCH);
    stream.write_all(&endless).await.expect("is sent");
    read_until(&mut stream, RST_STREAM).await;
    is_well(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_has_many_refused_bodies_read_on() {
    let app = TestApp::start_with(&["--h2c", "--body-limit-bytes=1024"]).await;
    let mut stream = raw(app.address).await;
    let heads: Vec<u8> = (0..9)
        .flat_map(|n| frame(HEADERS, END_HEADERS, 1 + 2 * n, POST_TOO_MUCH))
        .collect();
    stream.write_all(&heads).await.expect("is sent");
    // Of nine, the last is reset at once; the first would be if each waited for its time.
    let (_, of, _) = read_until(&mut stream, RST_STREAM).await;
    assert_eq!(of, 17);
}
