//! One HTTP download into a file, with its checksum and its progress.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::progress::Progress;

/// For the whole download: 15 MB on a slow line.
const TIMEOUT: Duration = Duration::from_mins(15);

pub(super) enum Error {
    Network(String),
    File(std::io::Error),
}

/// Writes what the URL has to the file; returns its SHA-256 in hexadecimal.
pub(super) fn to_file(url: &str, file: &mut File) -> Result<String, Error> {
    let agent = http_client::agent(TIMEOUT);
    let failed = |why: String| Error::Network(http_client::through_proxy(url, &why));
    let response = agent
        .get(url)
        .call()
        .map_err(|error| failed(error.to_string()))?;
    if response.status() != 200 {
        return Err(failed(format!("status {}", response.status())));
    }
    let body = response.into_body();
    let expected = body.content_length();
    let progress = Progress::bytes(expected.unwrap_or_default());
    let mut reader = body.into_reader();
    let (mut sum, mut received) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(failed(error.to_string())),
        };
        sum.update(&buffer[..count]);
        file.write_all(&buffer[..count]).map_err(Error::File)?;
        received += count as u64;
        progress.add(count as u64);
    }
    if let Some(expected) = expected.filter(|expected| *expected != received) {
        return Err(failed(format!(
            "it ended after {received} of {expected} bytes"
        )));
    }
    file.flush().map_err(Error::File)?;
    Ok(hexadecimal(&sum.finalize()))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
