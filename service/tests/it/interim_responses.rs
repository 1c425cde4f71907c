//! Responses are the service's own, whatever was sent before them on the connection: interim ones, other responses, none.

use crate::test_app::{JSON, TestApp, path};
use serde_json::json;
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What takes as long hangs.
const HANGING: Duration = Duration::from_secs(30);

/// Reads until the bytes end with `end`, or the connection does.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    timeout(HANGING, async {
        while !bytes.ends_with(end.as_bytes()) && stream.read_buf(&mut bytes).await.unwrap() > 0 {}
    })
    .await
    .expect("it goes on");
    String::from_utf8(bytes).unwrap()
}

fn slug(answer: &str) -> &str {
    let (_, rest) = answer.split_once("/problems/").expect("a problem");
    rest.split('"').next().unwrap()
}

/// Sends a head that asks to go on, waits for that, and sends the body; returns the final response.
async fn ask_first(stream: &mut TcpStream, line: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n{fields}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let interim = read_until(stream, "\r\n\r\n").await;
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    read_until(stream, "}").await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_after_100_continue_is_itself_and_the_connection_stays() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let at = path(&user);
    let (json, patch) = (
        "content-type: application/json\r\n",
        "content-type: application/json-patch+json\r\n",
    );
    let keyed = |key: &str| format!("{json}idempotency-key: {key}\r\n");
    let ada = r#"{"email":"a@example.com","name":"Ada"}"#;
    let bob = r#"{"email":"b@example.com","name":"Bob"}"#;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    for (line, fields, body, status, wanted) in [
        (
            "POST /v1/users".to_owned(),
            json.to_owned(),
            "{",
            400,
            "malformed-request",
        ),
        (
            "POST /v1/users".into(),
            json.into(),
            ada,
            409,
            "email-taken",
        ),
        (
            "POST /v1/users".into(),
            json.into(),
            r#"{"name":"x"}"#,
            422,
            "validation-failed",
        ),
        ("POST /v1/users".into(), keyed("k"), bob, 201, ""),
        (
            "POST /v1/users".into(),
            keyed("k"),
            ada,
            422,
            "idempotency-key-reused",
        ),
        (
            format!("PUT {at}"),
            format!("{json}if-match: \"9\"\r\n"),
            bob,
            412,
            "precondition-failed",
        ),
        (
            format!("PATCH {at}"),
            patch.into(),
            r#"[{"op":"test","path":"/name","value":"x"}]"#,
            409,
            "patch-test-failed",
        ),
        (
            "QUERY /v1/users".into(),
            json.into(),
            r#"{"x":"y"}"#,
            400,
            "invalid-query",
        ),
        (
            "PUT /v1/users/1".into(),
            json.into(),
            "{}",
            404,
            "user-not-found",
        ),
        (format!("PUT {at}"), json.into(), ada, 200, ""),
    ] {
        let answer = ask_first(&mut stream, &line, &fields, body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{line} {body}: {answer}"
        );
        assert!(!answer.contains("connection: close"), "{line}: {answer}");
        if !wanted.is_empty() {
            assert_eq!(slug(&answer), wanted, "{line}");
        }
    }
    let metrics = app.metrics().await;
    assert!(
        metrics.contains("code=\"409\""),
        "the log and the client see the same"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_that_asks_first_sees_the_status_of_its_request() {
    let app = TestApp::start().await;
    app.created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let url = format!("http://{}/v1/users", app.address);
    for (body, wanted) in [
        (r#"{"email":"x","name":"E"}"#, "422"),
        (r#"{"email":"a@example.com","name":"E"}"#, "409"),
        (r#"{"email":"b@example.com","name":"E"}"#, "201"),
    ] {
        let arguments = [
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--max-time",
            "30",
        ];
        let curl = Command::new("curl")
            .args(arguments)
            .args(["--expect100-timeout", "20", "-H", "expect: 100-continue"])
            .args(["-H", "content-type: application/json", "-d", body, &url])
            .output()
            .expect("curl, which apt-get or your system's package manager installs");
        assert_eq!(String::from_utf8_lossy(&curl.stdout), wanted, "{body}");
    }
}

/// A refusal of hyper's own follows a response without a body, one with a body, and an interim one: each is
/// distinguished by who wrote it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_behind_any_response() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "HTTP/1.1 400 Bad Request"}))
        .await;
    let at = path(&user);
    let bodies = json!({"email": "b@example.com", "name": "B"}).to_string();
    let created = format!(
        "POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n{bodies}",
        bodies.len()
    );
    for (first, status) in [
        (format!("HEAD {at} HTTP/1.1\r\nhost: x\r\n\r\n"), "200"),
        (format!("GET {at} HTTP/1.1\r\nhost: x\r\n\r\n"), "200"),
        (
            format!("GET {at} HTTP/1.1\r\nhost: x\r\nif-none-match: *\r\n\r\n"),
            "304",
        ),
        (format!("OPTIONS {at} HTTP/1.1\r\nhost: x\r\n\r\n"), "204"),
        ("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "404"),
        (
            "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
                .to_owned(),
            "200",
        ),
        (created, "201"),
    ] {
        let bad = "GET / HTTP/1.1\r\nbad header\r\n\r\n";
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream
            .write_all(format!("{first}{bad}").as_bytes())
            .await
            .unwrap();
        let mut answers = String::new();
        timeout(HANGING, stream.read_to_string(&mut answers))
            .await
            .expect("it ends")
            .unwrap();
        let finals: Vec<_> = answers
            .split("HTTP/1.1 ")
            .filter(|part| part.get(3..4) == Some(" ") && part.contains("x-request-id"))
            .map(|part| &part[..3])
            .collect();
        assert_eq!(finals, [status, "400"], "{first}: {answers}");
        assert!(
            answers.ends_with('}') && answers.contains("/problems/malformed-request"),
            "{answers}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_each_answered_in_their_order() {
    let app = TestApp::start().await;
    app.created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let taken = json!({"email": "a@example.com", "name": "B"}).to_string();
    let post = format!(
        "POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{taken}",
        taken.len()
    );
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n");
    let requests = [
        post.clone(),
        get("/v1/users/1", ""),
        get("/v1/users", ""),
        post,
        get("/", "connection: close\r\n"),
    ];
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream
        .write_all(requests.concat().as_bytes())
        .await
        .unwrap();
    let mut answers = String::new();
    timeout(HANGING, stream.read_to_string(&mut answers))
        .await
        .expect("it ends")
        .unwrap();
    let statuses: Vec<_> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|part| &part[..3])
        .collect();
    assert_eq!(statuses, ["409", "404", "200", "409", "200"], "{answers}");
    let chunked = app.send("POST", "/v1/users", JSON, &taken).await;
    assert_eq!(chunked.problem(), "email-taken");
}
