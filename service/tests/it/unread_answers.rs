//! A client that never reads its answers loses its connection.

use crate::test_app::TestApp;
use bytes::Bytes;
use http::Request;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// The longest that a step may take.
const HANGING: Duration = Duration::from_secs(60);

/// A connection that can hold little that was not read.
async fn narrow(app: &TestApp) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(app.address).await.expect("a connection")
}

/// A service with users enough to fill a socket, whose answers have to be read within half a second.
async fn with_large_pages(flags: &[&str]) -> TestApp {
    let flags = [&["--write-timeout-ms", "500"], flags].concat();
    let app = TestApp::start_with(&flags).await;
    for number in 0..200 {
        let title = "t".repeat(100);
        let user = json!({"email": format!("u{number}@example.com"), "name": "n".repeat(100), "title": title});
        app.created(&user).await;
    }
    app
}

fn metric(metrics: &str, name: &str) -> u64 {
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {metrics}"))
}

async fn until_closed(app: &TestApp, already: u64) {
    let closed = async {
        loop {
            let metrics = app.metrics().await;
            if metric(&metrics, "roster_http_write_timeouts_total") > already {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(HANGING, closed)
        .await
        .expect("the connection is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_http_1_whose_answers_are_not_read_is_closed_and_counted() {
    let app = with_large_pages(&[]).await;
    let mut unread = narrow(&app).await;
    let request = b"GET /v1/users?limit=200 HTTP/1.1\r\nhost: x\r\n\r\n";
    // More answers than the buffers of both sockets hold.
    let flood = request.repeat(200);
    let _ = timeout(Duration::from_secs(2), unread.write_all(&flood)).await;
    until_closed(&app, 0).await;
    let mut rest = Vec::new();
    let _ = timeout(HANGING, unread.read_to_end(&mut rest))
        .await
        .expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_http_2_whose_answers_are_not_read_is_closed_and_counted() {
    let app = with_large_pages(&["--h2c"]).await;
    let stream = TcpStream::connect(app.address).await.expect("a connection");
    // The socket is read and every ping is answered; only the windows stay shut.
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(16)
        .handshake::<_, Bytes>(stream)
        .await
        .expect("HTTP/2");
    let ended = tokio::spawn(connection);
    let request = || {
        Request::get("http://localhost/v1/users?limit=200")
            .body(())
            .expect("a request")
    };
    let mut client = client.ready().await.expect("it is open");
    let (answer, _) = client.send_request(request(), true).expect("is sent");
    let answer = answer.await.expect("a head");
    assert_eq!(answer.status(), 200);
    until_closed(&app, 0).await;
    drop((answer, client));
    let _ = timeout(HANGING, ended).await.expect("the connection ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_http_2_whose_socket_is_not_read_is_closed_and_counted() {
    let app = with_large_pages(&["--h2c"]).await;
    let mut unread = narrow(&app).await;
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // Windows of 2 GiB, and no byte is read: SETTINGS, WINDOW_UPDATE, and a request on each of 60 streams.
    bytes.extend_from_slice(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
    bytes.extend_from_slice(&[0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0]);
    let path = b"/v1/users?limit=200";
    for stream in 0..60_u32 {
        let mut block = vec![
            0x82,
            0x86,
            0x41,
            0x01,
            b'x',
            0x04,
            u8::try_from(path.len()).expect("short"),
        ];
        block.extend_from_slice(path);
        bytes.extend_from_slice(&[0, 0, u8::try_from(block.len()).expect("short"), 1, 5]);
        bytes.extend_from_slice(&(2 * stream + 1).to_be_bytes());
        bytes.extend_from_slice(&block);
    }
    let _ = timeout(Duration::from_secs(2), unread.write_all(&bytes)).await;
    until_closed(&app, 0).await;
}
