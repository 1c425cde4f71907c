//! Where logs and spans are sent to: a syslog server and a collector that keep what they hear.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A syslog daemon of the test's own.
pub(super) fn syslog_server(path: &Path) -> Arc<Mutex<String>> {
    let socket = UnixDatagram::bind(path).expect("a socket");
    let text = Arc::new(Mutex::new(String::new()));
    let written = text.clone();
    std::thread::spawn(move || {
        let mut datagram = vec![0; 65_536];
        while let Ok(length) = socket.recv(&mut datagram) {
            let mut text = written.lock().expect("no panic");
            text.push_str(&String::from_utf8_lossy(&datagram[..length]));
            text.push('\n');
        }
    });
    text
}

/// What the syslog server has once nothing comes any more.
pub(super) fn awaited(text: &Mutex<String>) -> String {
    let begun = Instant::now();
    while !text
        .lock()
        .expect("no panic")
        .contains("the service has stopped")
    {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the end is never reported"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    text.lock().expect("no panic").clone()
}

/// What an OpenTelemetry collector would be sent; there is one only in a build that sends anything.
pub(super) struct Collector {
    address: std::net::SocketAddr,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    pub(super) fn start() -> Option<Self> {
        use std::io::{Read, Write};
        if !cfg!(feature = "otlp") {
            eprintln!(
                "not proven here: spans hold no names either (this build sends none; cargo test --features otlp)"
            );
            return None;
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let received = bytes.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let received = received.clone();
                std::thread::spawn(move || {
                    let mut piece = vec![0; 65_536];
                    while let Ok(length @ 1..) = stream.read(&mut piece) {
                        received
                            .lock()
                            .expect("no panic")
                            .extend_from_slice(&piece[..length]);
                        if length < piece.len() {
                            let _ =
                                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                        }
                    }
                });
            }
        });
        Some(Self { address, bytes })
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn received(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panic")).into_owned()
    }
}
