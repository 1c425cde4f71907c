//! Queries the readiness of a running service over a plain socket: the image has no other program for it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Why the service is not ready.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    /// The service does not respond.
    #[error("no response from {address}: {source}")]
    Unreachable {
        /// The admin listener.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The service is not ready.
    #[error("the service is not ready: {0}")]
    NotReady(String),
}

/// Requests `/readyz` from the admin listener at `address`.
pub fn ask(address: SocketAddr) -> Result<(), HealthcheckError> {
    let answer =
        exchange(address).map_err(|source| HealthcheckError::Unreachable { address, source })?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let why = answer
        .split_once("\r\n\r\n")
        .map_or("not an HTTP response", |(_, body)| body.trim());
    Err(HealthcheckError::NotReady(why.to_owned()))
}

fn exchange(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
