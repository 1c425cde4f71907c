//! The client with servers that are unreachable, slow, busy, or reject the token.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use super::Client;
use xtask::failure::{Failure, exit_code};

/// A server that sends these responses, one per connection, and then closes every connection.
fn server(answers: Vec<Option<&'static str>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            match answer {
                Some(answer) => {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request);
                    let _ = stream.write_all(answer.as_bytes());
                }
                // Kept open and never answered.
                None => silent.push(stream),
            }
        }
    });
    url
}

fn client(url: &str) -> Client {
    let limit = Duration::from_millis(900);
    let mut client = Client::with_token(
        url,
        "SONAR_TOKEN",
        "squ_test".into(),
        limit,
        Duration::from_millis(300),
    );
    client.first_pause = Duration::from_millis(50);
    client
}

fn answer(status: &str, body: &str) -> &'static str {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .leak()
}

fn failure(url: &str) -> (String, u8) {
    let error = client(url).get("api/x", &[]).expect_err("fails");
    let code = exit_code(&error);
    (error.downcast::<Failure>().expect("a failure").what, code)
}

#[test]
fn a_server_that_is_away_is_told_apart_from_one_that_is_slow() {
    let (away, code) = failure("http://127.0.0.1:1");
    assert!(
        away.starts_with("SonarQube is unreachable") && code == 4,
        "{away}"
    );
    let (slow, code) = failure(&server(vec![None; 30]));
    assert!(slow.starts_with("SonarQube is slow") && code == 4, "{slow}");
    let (busy, code) = failure(&server(vec![
        Some(answer("503 Service Unavailable", ""));
        100
    ]));
    assert!(
        busy.starts_with("SonarQube is not ready") && code == 4,
        "{busy}"
    );
}

#[test]
fn a_token_that_is_not_accepted_is_said_at_once() {
    let (what, code) = failure(&server(vec![Some(answer("401 Unauthorized", ""))]));
    assert!(
        what.contains("does not accept the token") && code == 2,
        "{what}"
    );
    let forbidden = answer(
        "403 Forbidden",
        r#"{"errors":[{"msg":"Insufficient privileges"}]}"#,
    );
    let (what, code) = failure(&server(vec![Some(forbidden)]));
    assert!(what.contains("403") && code == 2, "{what}");
}

#[test]
fn a_server_that_comes_back_in_time_is_no_failure() {
    let url = server(vec![
        Some(answer("503 Service Unavailable", "")),
        Some(answer("200 OK", r#"{"ok":1}"#)),
    ]);
    assert_eq!(client(&url).get("api/x", &[]).expect("an answer")["ok"], 1);
}

#[test]
fn a_change_that_may_have_arrived_is_not_sent_twice() {
    let url = server(vec![
        Some(answer("502 Bad Gateway", "")),
        Some(answer("200 OK", "{}")),
    ]);
    client(&url)
        .post("api/x", &[("a", "b")])
        .expect_err("is not repeated");
}

#[test]
fn what_is_not_there_is_none_and_not_an_error() {
    let url = server(vec![Some(answer("404 Not Found", "{}"))]);
    assert_eq!(client(&url).find("api/x", &[]).expect("an answer"), None);
}
