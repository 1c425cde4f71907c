//! A run against a server that returns a constant.

use super::Run;
use crate::arguments::Arguments;
use bench_load::report::Report;
use clap::Parser;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

fn server() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

/// Responds until the peer closes the connection: a request is one packet here.
fn answer(mut stream: TcpStream) {
    let mut request = [0; 4096];
    while stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
        if stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .is_err()
        {
            return;
        }
    }
}

fn run(more: &[&str]) -> Report {
    let (address, watch) = (
        server().to_string(),
        format!("server={}", std::process::id()),
    );
    let all = [
        "bench-load",
        "--operation=constant",
        "--connections=2",
        "--warm-up=0.05",
    ];
    let named = ["--address", &address, "--watch", &watch];
    let arguments = Arguments::parse_from(all.iter().chain(&named).chain(more));
    Run::new(&arguments).unwrap().finish().unwrap()
}

#[test]
fn it_is_measured_for_all_of_the_time_however_long_it_takes_to_begin() {
    let report = run(&["--seconds=0.2"]);
    assert_eq!(report.wrong_answers, 0, "{:?}", report.first_wrong_answer);
    assert!(report.seconds >= 0.2, "{} s", report.seconds);
    assert!(report.requests > 0);
}

#[test]
fn memory_is_told_of_whom_it_was_asked_for_alone() {
    assert!(run(&["--seconds=0.05"]).resident_bytes.is_empty());
    let report = run(&["--seconds=0.05", "--memory-of=server"]);
    assert!(report.resident_bytes["server"] > 0);
}

#[test]
fn a_number_of_requests_is_answered_whatever_time_that_takes() {
    let report = run(&["--requests=50"]);
    assert_eq!((report.requests, report.wrong_answers), (50, 0));
}
