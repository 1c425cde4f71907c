//! `--syslog` against servers that this test plays: what stands on the wire, and that a server
//! that goes away and comes back is found again.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;

use super::rfc5424::parse;
use super::*;

fn to_server(target: &str) -> TelemetrySettings {
    TelemetrySettings {
        syslog: Some(target.parse().expect("a target")),
        ..quiet()
    }
}

#[test]
fn a_datagram_carries_one_message_over_a_local_socket_and_over_udp() {
    let scratch = Scratch::new("datagram");
    let path = scratch.path("log");
    let local = UnixDatagram::bind(&path).expect("bound");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("bound");
    local
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("set");
    udp.set_read_timeout(Some(Duration::from_secs(10)))
        .expect("set");
    let port = udp.local_addr().expect("an address").port();
    for target in [
        format!("unix:{}", path.display()),
        format!("udp://127.0.0.1:{port}"),
    ] {
        let telemetry = Telemetry::open(&to_server(&target)).expect("opens");
        for n in 0..100 {
            telemetry.access_log().write(&answered(&n.to_string()));
        }
        for n in 0..100 {
            let mut datagram = [0; 9_000];
            let length = if target.starts_with("unix") {
                local.recv(&mut datagram)
            } else {
                udp.recv(&mut datagram)
            };
            let text = std::str::from_utf8(&datagram[..length.expect("received")]).expect("UTF-8");
            assert_eq!(
                parse(text).expect(&target).parameter("request_id"),
                n.to_string()
            );
        }
    }
}

#[test]
fn over_tcp_octets_are_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let settings = to_server(&format!("tcp://127.0.0.1:{port}"));
    let telemetry = Telemetry::open(&settings).expect("opens");
    for n in 0..1_000 {
        telemetry.access_log().write(&answered(&format!("é{n}")));
    }
    let (mut stream, _) = listener.accept().expect("connected");
    drop(telemetry);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("read to its end");
    let messages = take_apart(&bytes);
    assert_eq!(messages.len(), 1_000);
    for (n, text) in messages.iter().enumerate() {
        assert_eq!(
            parse(text).expect("RFC 5424").parameter("request_id"),
            format!("é{n}")
        );
    }
}

/// MSG-LEN SP SYSLOG-MSG (RFC 6587, section 3.4.1).
fn take_apart(mut bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let space = bytes
            .iter()
            .position(|byte| *byte == b' ')
            .expect("a length");
        let length = std::str::from_utf8(&bytes[..space]).expect("digits");
        let length: usize = length.parse().expect("a number");
        let (message, rest) = bytes[space + 1..].split_at(length);
        messages.push(String::from_utf8(message.to_vec()).expect("UTF-8"));
        bytes = rest;
    }
    messages
}

#[test]
fn a_tcp_server_that_closes_and_comes_back_costs_no_line_that_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    let telemetry = Telemetry::open(&to_server(&format!("tcp://{address}"))).expect("opens");
    telemetry.access_log().write(&answered("first"));
    let (mut stream, _) = listener.accept().expect("connected");
    let mut byte = [0];
    stream
        .read_exact(&mut byte)
        .expect("the first message comes");
    drop((stream, listener));

    telemetry.access_log().write(&answered("while away"));
    std::thread::sleep(Duration::from_millis(400));
    let listener = TcpListener::bind(address).expect("bound again");
    let (mut stream, _) = listener.accept().expect("connected again");
    drop(telemetry);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("read to its end");
    let messages = take_apart(&bytes);
    assert!(
        messages
            .iter()
            .any(|message| message.contains("while away")),
        "{messages:?}"
    );
}

#[test]
fn a_dead_udp_server_costs_counted_lines_and_one_notice() {
    let scratch = Scratch::new("udp");
    let path = scratch.path("roster.log");
    let nobody = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let settings = TelemetrySettings {
        file: Some(path.clone()),
        queue_lines: 1_000,
        ..to_server(&format!("udp://127.0.0.1:{port}"))
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    for n in 0..5_000 {
        telemetry.access_log().write(&answered(&n.to_string()));
        if n % 500 == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    eventually("lines are lost", || lost(&telemetry, "syslog") > 1_000);
    std::thread::sleep(Duration::from_secs(3));
    drop(telemetry);
    let text = read(&path);
    assert_eq!(
        text.matches("udp://127.0.0.1").count() + text.matches("slower than").count(),
        1,
        "{text}"
    );
}
