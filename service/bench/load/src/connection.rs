//! One connection that carries one request at a time.

use crate::operation::{Expected, Operation};
use crate::response;
use anyhow::Context;
use mio::net::TcpStream;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

/// A connection kept alive, and the request under way on it.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    filled: usize,
    under_way: Option<UnderWay>,
}

/// A request under way.
struct UnderWay {
    since: Instant,
    sent: Instant,
    expected: Expected,
}

/// The result of a request.
pub(crate) struct Answer {
    /// When the request was due (open loop) or sent (closed loop).
    pub(crate) since: Instant,
    /// When it was sent.
    pub(crate) sent: Instant,
    /// Whether it was rejected with 503.
    pub(crate) shed: bool,
    /// What was wrong with the response, if anything.
    pub(crate) wrong: Option<anyhow::Error>,
    /// Whether the connection may carry another request.
    pub(crate) keep_alive: bool,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        // Connected before it becomes non-blocking, so that an unreachable service is reported at once.
        let stream = std::net::TcpStream::connect(address)
            .with_context(|| format!("{address} does not respond"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            request: Vec::with_capacity(2048),
            written: 0,
            input: vec![0; 64 * 1024],
            filled: 0,
            under_way: None,
        })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Whether a request is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Sends the next request.
    pub(crate) fn send(&mut self, operation: &mut Operation, since: Instant) -> anyhow::Result<()> {
        let expected = operation.write_next(&mut self.request)?;
        self.written = 0;
        self.under_way = Some(UnderWay {
            since,
            sent: Instant::now(),
            expected,
        });
        self.write()
    }

    /// Writes as much of the pending request as the socket accepts.
    pub(crate) fn write(&mut self) -> anyhow::Result<()> {
        while self.is_busy() && self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(0) => anyhow::bail!("the connection accepts no more data"),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("a request cannot be sent"),
            }
        }
        Ok(())
    }

    /// Reads available data; returns the response once it is complete.
    pub(crate) fn read(&mut self) -> anyhow::Result<Option<Answer>> {
        loop {
            if self.filled == self.input.len() {
                self.input.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.input[self.filled..]) {
                Ok(0) if self.is_busy() => {
                    anyhow::bail!("the connection was closed before the response")
                }
                Ok(0) => anyhow::bail!("the connection was closed"),
                Ok(count) => {
                    self.filled += count;
                    // A read that did not fill the buffer has emptied the socket, so a second call is not needed.
                    if self.filled < self.input.len() {
                        return self.answer();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return self.answer(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("a response cannot be read"),
            }
        }
    }

    fn answer(&mut self) -> anyhow::Result<Option<Answer>> {
        if self.filled == 0 {
            return Ok(None);
        }
        let Some(response) = response::read(&self.input[..self.filled])? else {
            return Ok(None);
        };
        let request = self
            .under_way
            .take()
            .context("a response arrived without a request")?;
        anyhow::ensure!(
            response.end == self.filled,
            "more data arrived than one response"
        );
        self.filled = 0;
        let wrong = request
            .expected
            .check(response.status, &self.input[response.body])
            .err();
        Ok(Some(Answer {
            since: request.since,
            sent: request.sent,
            shed: response.status == 503,
            wrong,
            keep_alive: response.keep_alive,
        }))
    }
}
