//! One request and its response over HTTP/1.1 (RFC 9112), with bodies of any length in both directions.
//!
//! The body of a request is sent once the service has asked for it (`Expect: 100-continue`): a refusal is then read before
//! anything is sent in vain.

use super::api_args::{ApiArgs, ApiCredentials};
use super::failure::BulkError;
use crate::wire::{Wire, authorities};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Duration;

/// The most bytes of a line of a head, of all its lines, and of a document that is read as a whole.
const LINE_LIMIT: u64 = 16 * 1024;
const HEAD_LINES: usize = 200;
const DOCUMENT_LIMIT: u64 = 1 << 20;
/// How long nothing may be sent or received: an answer to an import comes when its body has ended.
const STALL_TIMEOUT: Duration = Duration::from_mins(5);

/// The service, and how it is asked.
pub(super) struct Api {
    args: ApiArgs,
    authorization: Option<String>,
}

/// A response, whose body is read from this.
pub(super) struct Response {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    reader: BufReader<Wire>,
    left: Left,
    /// Whether all of the body was read.
    pub(super) is_complete: bool,
}

/// What is left of a body.
enum Left {
    /// So many bytes of this chunk.
    Chunk(u64),
    /// So many bytes.
    Bytes(u64),
    /// What comes until the connection ends.
    All,
}

/// What a body is written into.
pub(super) struct Body<'w> {
    wire: &'w mut Wire,
    chunk: Vec<u8>,
}

const CHUNK: usize = 64 * 1024;

/// Why a body is not sent to its end: what it is made of cannot be read on. No answer is waited for.
#[derive(Debug)]
pub(super) struct Abandoned;

impl std::fmt::Display for Abandoned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body was abandoned")
    }
}

impl std::error::Error for Abandoned {}

impl Abandoned {
    fn is(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

impl Api {
    /// The service that `args` names. A client's id and secret are exchanged for a token.
    pub(super) fn open(args: &ApiArgs) -> Result<Self, BulkError> {
        let is_http = matches!(args.url.scheme_str(), Some("http" | "https"));
        if !is_http || args.url.host().is_none() {
            let what = format!("--url {} is not an http or https URL", args.url);
            return Err(BulkError::usage(what, "write it as https://roster.example"));
        }
        let mut api = Self {
            args: args.clone(),
            authorization: None,
        };
        match args.credentials()? {
            ApiCredentials::None => {}
            ApiCredentials::Token(token) => api.authorization = Some(format!("Bearer {token}")),
            ApiCredentials::Client(id, secret) => {
                let pair = STANDARD.encode(format!("{id}:{secret}"));
                api.authorization = Some(format!("Basic {pair}"));
                let form = [(
                    "content-type",
                    "application/x-www-form-urlencoded".to_owned(),
                )];
                let body = |out: &mut Body<'_>| out.write_all(b"grant_type=client_credentials");
                let response = api.request("POST", "/oauth/token", &form, Some(body))?;
                let response = response.require(200, "no token was issued")?;
                let token = response.document()?;
                let token = token["access_token"].as_str().unwrap_or_default();
                api.authorization = Some(format!("Bearer {token}"));
            }
        }
        Ok(api)
    }

    /// Sends a request; its body, if there is one, is what `body` writes.
    pub(super) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, String)],
        body: Option<impl FnOnce(&mut Body<'_>) -> io::Result<()>>,
    ) -> Result<Response, BulkError> {
        self.exchange(method, target, headers, body)
            .map_err(|error| {
                BulkError::new(
                    format!(
                        "{method} {}{target} failed: {error}",
                        self.args.url.authority().map_or("", |a| a.as_str())
                    ),
                    "check --url, and that the service is running",
                )
            })
    }

    /// Sends a request, as [`Api::request`] does.
    pub(super) fn exchange(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, String)],
        body: Option<impl FnOnce(&mut Body<'_>) -> io::Result<()>>,
    ) -> io::Result<Response> {
        let trusted = || match &self.args.ca_file {
            Some(file) => authorities(file),
            None => Ok(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()),
        };
        let mut wire = Wire::connect(&self.args.url, STALL_TIMEOUT, trusted)?;
        let authority = self
            .args
            .url
            .authority()
            .map_or("", |authority| authority.as_str());
        let base = self.args.url.path().trim_end_matches('/');
        let mut head = format!(
            "{method} {base}{target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close, te\r\nte: trailers\r\n"
        );
        if let Some(authorization) = &self.authorization {
            let _ = write!(head, "authorization: {authorization}\r\n");
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if body.is_some() {
            head.push_str("transfer-encoding: chunked\r\nexpect: 100-continue\r\n");
        }
        head.push_str("\r\n");
        wire.write_all(head.as_bytes())?;
        wire.flush()?;
        let mut reader = BufReader::new(wire);
        let (mut status, mut headers) = read_head(&mut reader)?;
        if status == 100 {
            if let Some(body) = body {
                let wire = reader.get_mut();
                let mut out = Body {
                    wire,
                    chunk: Vec::with_capacity(CHUNK + 1024),
                };
                // A service that has answered meanwhile reads no further: then its answer is what counts.
                let sent = body(&mut out).and_then(|()| out.finish());
                if let Err(error) = &sent
                    && Abandoned::is(error)
                {
                    return Err(io::Error::other(Abandoned));
                }
                match read_head(&mut reader) {
                    Ok(head) => (status, headers) = head,
                    Err(error) => return Err(sent.err().unwrap_or(error)),
                }
            }
            while (100..200).contains(&status) {
                (status, headers) = read_head(&mut reader)?;
            }
        }
        Ok(Response::new(status, headers, reader))
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the connection ended before the response did",
        ));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(io::Error::other)
}

type Head = (u16, Vec<(String, String)>);

fn read_head(reader: &mut impl BufRead) -> io::Result<Head> {
    let not_http = || io::Error::other("the response is not HTTP");
    let line = read_line(reader)?;
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    let status = status
        .and_then(|code| code.parse().ok())
        .ok_or_else(not_http)?;
    Ok((status, read_fields(reader)?))
}

/// Header or trailer fields, up to the empty line behind them.
fn read_fields(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    while fields.len() < HEAD_LINES {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(fields);
        }
        if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Err(io::Error::other("the response has too many header fields"))
}

impl Response {
    fn new(status: u16, headers: Vec<(String, String)>, reader: BufReader<Wire>) -> Self {
        let field = |name: &str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        let is_chunked = field("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let length = field("content-length").and_then(|value| value.parse().ok());
        let left = match (is_chunked, length) {
            (true, _) => Left::Chunk(0),
            (false, Some(length)) => Left::Bytes(length),
            (false, None) => Left::All,
        };
        Self {
            status,
            headers,
            reader,
            left,
            is_complete: false,
        }
    }

    /// A header field, or once the body was read, a trailer field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The response, if it has the status that is wanted; otherwise what its problem says.
    pub(super) fn require(self, status: u16, what: &str) -> Result<Self, BulkError> {
        if self.status == status {
            return Ok(self);
        }
        let (found, retry_after) = (self.status, self.field("retry-after").map(str::to_owned));
        let document = self.document().unwrap_or_default();
        let detail = document["detail"].as_str().unwrap_or("no detail");
        let what = format!("{what}: the service answered {found}: {detail}");
        Err(match found {
            401 | 403 => BulkError::new(
                what,
                "give a token with the scope by ROSTER_TOKEN or --token-file, or a client by --client-id-file",
            ),
            429 | 503 => BulkError::new(
                what,
                format!(
                    "try again in {} seconds",
                    retry_after.unwrap_or_else(|| "some".into())
                ),
            ),
            _ => BulkError::new(what, "correct what it names"),
        })
    }

    /// The body as one JSON document.
    pub(super) fn document(self) -> Result<Value, BulkError> {
        let mut text = Vec::new();
        let read = self.take(DOCUMENT_LIMIT).read_to_end(&mut text);
        let value = read.map_err(|error| error.to_string());
        let value = value.and_then(|_| serde_json::from_slice(&text).map_err(|e| e.to_string()));
        value.map_err(|error| {
            let what = format!("the response is not what a Roster answers: {error}");
            BulkError::new(what, "check --url")
        })
    }
}

impl Read for Response {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.is_complete || out.is_empty() {
            return Ok(0);
        }
        let most = match &mut self.left {
            Left::Chunk(left) => {
                if *left == 0 {
                    let line = read_line(&mut self.reader)?;
                    let size = line.split(';').next().unwrap_or("").trim();
                    let bad = |_| io::Error::other("a chunk of the response has no size");
                    *left = u64::from_str_radix(size, 16).map_err(bad)?;
                    if *left == 0 {
                        let trailers = read_fields(&mut self.reader)?;
                        self.headers.extend(trailers);
                        self.is_complete = true;
                        return Ok(0);
                    }
                }
                *left
            }
            Left::Bytes(0) => {
                self.is_complete = true;
                return Ok(0);
            }
            Left::Bytes(left) => *left,
            Left::All => u64::MAX,
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(out.len());
        let read = self.reader.read(&mut out[..most])?;
        match &mut self.left {
            Left::All if read == 0 => self.is_complete = true,
            Left::All => {}
            _ if read == 0 => {
                let what = "the connection ended before the response did";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
            }
            Left::Chunk(left) => {
                *left -= read as u64;
                if *left == 0 {
                    read_line(&mut self.reader)?;
                }
            }
            Left::Bytes(left) => *left -= read as u64,
        }
        Ok(read)
    }
}

impl Body<'_> {
    fn send(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            write!(self.wire, "{:x}\r\n", self.chunk.len())?;
            self.chunk.extend_from_slice(b"\r\n");
            self.wire.write_all(&self.chunk)?;
            self.chunk.clear();
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.send()?;
        self.wire.write_all(b"0\r\n\r\n")?;
        self.wire.flush()
    }
}

impl Write for Body<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        self.wire.flush()
    }
}
