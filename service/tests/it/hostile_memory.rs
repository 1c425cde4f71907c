//! A hostile client against the program itself: each request gets its status, memory stays, nothing panics.

use crate::program::Program;
use crate::test_app::database;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const MOST_GROWTH_BYTES: u64 = 2_000_000;
/// What takes as long hangs.
const HANGING: Duration = Duration::from_secs(60);

/// Sends what `write` writes, as far as it is taken, and reads the answer.
fn ask(program: &Program, write: impl FnOnce(&mut TcpStream) + Send) -> String {
    let mut stream = TcpStream::connect(&program.address).unwrap();
    stream.set_read_timeout(Some(HANGING)).unwrap();
    stream.set_write_timeout(Some(HANGING)).unwrap();
    let mut sending = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || write(&mut sending));
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        String::from_utf8_lossy(&answer).into_owned()
    })
}

fn memory(program: &Program, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.unwrap().trim_start_matches(':').trim();
    kilobytes.trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Writes a head, then this piece again and again, until nobody takes it or so many bytes were sent.
fn flood(head: &str, piece: &[u8], most: usize) -> impl FnOnce(&mut TcpStream) + Send {
    move |stream| {
        let mut sent = stream.write_all(head.as_bytes()).map_or(most, |()| 0);
        while sent < most && stream.write_all(piece).is_ok() {
            sent += piece.len();
        }
    }
}

fn request(line: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attack_gets_its_status_and_takes_no_memory_with_it() {
    let database = database().await;
    let program = Program::start(&database, &["--request-timeout-ms=1000"]);
    let text = |text: String| move |stream: &mut TcpStream| drop(stream.write_all(text.as_bytes()));
    // What a service at work holds anyway: buffers, connections, the largest body that is taken.
    for n in 0..40 {
        let body = format!("{{\"email\":\"u{n}@example.com\",\"name\":\"A\"}}");
        let padded = format!("{body}{}", " ".repeat(65_536 - body.len()));
        let answer = ask(&program, text(request("POST /v1/users", &padded)));
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        let answer = ask(&program, text(request("GET /v1/users", "")));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    std::fs::write(format!("/proc/{}/clear_refs", program.id()), "5").unwrap();
    let before = memory(&program, "VmRSS");

    let head = |line: &str, fields: &str| format!("{line} HTTP/1.1\r\nhost: x\r\n{fields}");
    let json = "content-type: application/json\r\n";
    let chunk = [b"8000\r\n".as_slice(), &b" ".repeat(0x8000), b"\r\n"].concat();
    let trickle = |head: String| {
        move |stream: &mut TcpStream| {
            let mut taken = stream.write_all(head.as_bytes());
            while taken.is_ok() {
                std::thread::sleep(Duration::from_millis(200));
                taken = stream.write_all(b" ");
            }
        }
    };
    for round in 0..3 {
        let user =
            |name: &str| format!("{{\"email\":\"x{round}@example.com\",\"name\":\"{name}\"}}");
        let over = " ".repeat(65_537);
        let announced = |bytes: usize| format!("{json}content-length: {bytes}\r\n\r\n");
        let chunked = format!("{json}transfer-encoding: chunked\r\n\r\n");
        let answers = [
            (
                "413 content-too-large",
                ask(&program, text(request("POST /v1/users", &over))),
            ),
            (
                "413 content-too-large",
                ask(
                    &program,
                    flood(&head("POST /v1/users", &chunked), &chunk, usize::MAX),
                ),
            ),
            (
                "413 content-too-large",
                ask(
                    &program,
                    flood(
                        &head("PUT /v1/users/1", &announced(usize::MAX >> 1)),
                        &chunk,
                        usize::MAX,
                    ),
                ),
            ),
            (
                "408 request-timeout",
                ask(&program, trickle(head("POST /v1/users", &announced(1000)))),
            ),
            (
                "431 headers-too-large",
                ask(
                    &program,
                    flood(
                        &head("GET /v1/users", ""),
                        b"x-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
                        usize::MAX,
                    ),
                ),
            ),
            (
                "431 headers-too-large",
                ask(
                    &program,
                    flood(&head("GET /v1/users", "x-a: "), &[b'a'; 4096], usize::MAX),
                ),
            ),
            (
                "404 user-not-found",
                ask(&program, text(request("GET /v1/users/%ff", ""))),
            ),
            (
                "404 user-not-found",
                ask(&program, text(request("GET /v1/users/%00", ""))),
            ),
            (
                "422 validation-failed",
                ask(
                    &program,
                    text(request("POST /v1/users", &user("a\\u0000b"))),
                ),
            ),
            (
                "400 malformed-request",
                ask(&program, text(request("POST /v1/users", &user("\\ud800")))),
            ),
            (
                "400 malformed-request",
                ask(
                    &program,
                    text(request("POST /v1/users", &"[".repeat(60_000))),
                ),
            ),
            (
                "405 method-not-allowed",
                ask(&program, text(request("FROB /v1/users", ""))),
            ),
            (
                "405 method-not-allowed",
                ask(&program, text(request("get /v1/users/1", ""))),
            ),
            (
                "404 not-found",
                ask(
                    &program,
                    flood(
                        &head("POST /nowhere", &announced(300 << 20)),
                        &chunk,
                        300 << 20,
                    ),
                ),
            ),
            (
                "404 not-found",
                ask(
                    &program,
                    flood(&head("POST /nowhere", &chunked), &chunk, 300 << 20),
                ),
            ),
        ];
        for (at, (wanted, answer)) in answers.iter().enumerate() {
            let (status, slug) = wanted.split_once(' ').unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} "))
                    && answer.contains(&format!("\"/problems/{slug}\"")),
                "attack {at}: {wanted}, but {answer:?}"
            );
        }
    }
    let peak = memory(&program, "VmHWM");
    let grown = peak.saturating_sub(before);
    println!("memory: {before} bytes before, {peak} at the most, {grown} more");
    assert!(
        grown < MOST_GROWTH_BYTES,
        "{grown} bytes more than {before}"
    );

    let answer = ask(&program, text(request("GET /v1/users?limit=1", "")));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let log = program.log.lock().unwrap();
    assert!(!log.contains("panicked"), "{log}");
}
