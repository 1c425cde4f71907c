//! `--otlp-endpoint`: what a collector receives, and what happens when there is none.

use super::*;

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_without_otlp_says_so_and_how_to_get_it() {
    let settings = TelemetrySettings {
        otlp_endpoint: Some("http://127.0.0.1:4318".to_owned()),
        ..quiet()
    };
    let error = Telemetry::open(&settings)
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("--features otlp"), "{error}");
}

#[test]
fn without_an_exporter_a_request_continues_its_trace_and_opens_no_span() {
    let telemetry = Telemetry::open(&quiet()).expect("opens");
    let traceparent: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (trace, span) = telemetry.tracer().request([traceparent], "GET");
    assert_eq!(trace.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    span.finish("/v1/users", 200);
}

#[cfg(feature = "otlp")]
mod exported {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;

    fn settings(endpoint: String) -> TelemetrySettings {
        TelemetrySettings {
            otlp_endpoint: Some(endpoint),
            ..quiet()
        }
    }

    /// Takes one export and answers it; hands over its head and body.
    fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("connected");
            let mut bytes = Vec::new();
            let mut piece = [0; 4_096];
            let (head, length, start) = loop {
                let read = stream.read(&mut piece).expect("read");
                bytes.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&bytes).to_lowercase();
                if let Some((head, _)) = text.split_once("\r\n\r\n") {
                    let length = head.split("content-length: ").nth(1).expect("a length");
                    let length = length.lines().next().expect("a line");
                    let length: usize = length.parse().expect("a number");
                    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                    break (head.to_owned(), length, end.expect("a head's end") + 4);
                }
            };
            while bytes.len() < start + length {
                let read = stream.read(&mut piece).expect("read");
                bytes.extend_from_slice(&piece[..read]);
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .expect("answered");
            let _ = sender.send((head, bytes.split_off(start)));
        });
        (format!("http://{address}"), receiver)
    }

    fn holds(body: &[u8], bytes: &[u8]) -> bool {
        body.windows(bytes.len()).any(|window| window == bytes)
    }

    #[test]
    fn a_collector_receives_the_spans_of_requests_in_their_callers_trace() {
        let (endpoint, exports) = collector();
        let telemetry = Telemetry::open(&settings(endpoint)).expect("opens");
        let traceparent: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let unsampled: &[u8] = b"00-0000000000000000000000000000abcd-00f067aa0ba902b7-00";
        let (own, started) = logged(&telemetry, || {
            let (trace, span) = telemetry.tracer().request([traceparent], "GET");
            span.finish("/v1/users/{id}", 503);
            let (_, quiet) = telemetry.tracer().request([unsampled], "PUT");
            quiet.finish("/v1/users/{id}", 200);
            let (started, span) = telemetry.tracer().request([], "POST");
            span.finish("/v1/users", 201);
            (trace, started)
        });
        drop(telemetry);
        let (head, body) = exports
            .recv_timeout(Duration::from_secs(10))
            .expect("an export");

        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(
            head.contains("content-type: application/x-protobuf"),
            "{head}"
        );
        for text in [
            "roster",
            "GET /v1/users/{id}",
            "POST /v1/users",
            "http.route",
        ] {
            assert!(holds(&body, text.as_bytes()), "no {text}");
        }
        assert_eq!(own.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        // The ids that are logged are those that the collector sees, the caller's span included.
        for trace in [own, started] {
            assert!(holds(&body, &trace.trace_id().to_be_bytes()));
            assert!(holds(&body, &trace.span_id().to_be_bytes()));
        }
        assert!(holds(&body, &0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()));
        assert!(
            !holds(&body, &0xabcd_u128.to_be_bytes()),
            "not sampled by its caller"
        );
    }

    #[test]
    fn a_collector_that_is_away_is_said_once_and_holds_nobody_up() {
        let scratch = Scratch::new("collector");
        let path = scratch.path("roster.log");
        let nobody = TcpListener::bind("127.0.0.1:0").expect("bound");
        let endpoint = format!("http://{}", nobody.local_addr().expect("an address"));
        drop(nobody);
        let settings = TelemetrySettings {
            file: Some(path.clone()),
            ..settings(endpoint)
        };
        let telemetry = Telemetry::open(&settings).expect("opens");
        let started = Instant::now();
        logged(&telemetry, || {
            for _ in 0..10_000 {
                let (_, span) = telemetry.tracer().request([], "GET");
                span.finish("/v1/users", 200);
            }
        });
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "a caller waited"
        );
        eventually("it is said", || {
            read(&path).contains("does not accept spans")
        });
        drop(telemetry);
        assert_eq!(read(&path).matches("does not accept spans").count(), 1);
    }

    #[test]
    fn an_address_that_is_no_collectors_is_refused_at_start() {
        for endpoint in [
            "",
            "localhost:4318",
            "https://collector",
            "http://",
            "http://a b",
        ] {
            let error = Telemetry::open(&settings(endpoint.to_owned())).err();
            let error = error.expect(endpoint).to_string();
            assert!(error.contains("http://host:4318"), "{error}");
        }
    }
}
