//! Parses HTTP/1.1 responses in a buffer. Knows nothing of sockets.

use anyhow::{Context, bail};
use httparse::Status;
use std::ops::Range;

/// One complete response in a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The range of the body; a chunked body includes its chunk headers.
    pub(crate) body: Range<usize>,
    /// Where the next response starts.
    pub(crate) end: usize,
    /// Whether the connection may be used again.
    pub(crate) keep_alive: bool,
}

/// Parses the response at the start of `buffer`; `None` while it is incomplete.
pub(crate) fn read(buffer: &[u8]) -> anyhow::Result<Option<Response>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut head = httparse::Response::new(&mut headers);
    let Status::Complete(start) = head.parse(buffer).context("the response is not HTTP/1.1")?
    else {
        return Ok(None);
    };
    let mut length = None;
    let mut chunked = false;
    let mut keep_alive = head.version == Some(1);
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).context("content-length is not ASCII")?;
            length = Some(
                text.trim()
                    .parse::<usize>()
                    .context("content-length is not a number")?,
            );
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("connection") {
            keep_alive = !header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let status = head.code.context("the response has no status")?;
    let end = match (chunked, length) {
        (true, _) => match end_of_chunks(buffer, start)? {
            Some(end) => end,
            None => return Ok(None),
        },
        (false, Some(length)) => start + length,
        (false, None) if status == 204 || status == 304 => start,
        (false, None) => bail!("the response has neither content-length nor chunks"),
    };
    Ok((end <= buffer.len()).then_some(Response {
        status,
        body: start..end,
        end,
        keep_alive,
    }))
}

fn end_of_chunks(buffer: &[u8], start: usize) -> anyhow::Result<Option<usize>> {
    let mut at = start;
    loop {
        let Some(rest) = buffer.get(at..) else {
            return Ok(None);
        };
        let parsed =
            httparse::parse_chunk_size(rest).map_err(|_| anyhow::anyhow!("a chunk has no size"))?;
        let Status::Complete((line, size)) = parsed else {
            return Ok(None);
        };
        at += line + usize::try_from(size).context("a chunk is too large")? + 2;
        if size == 0 {
            return Ok((at <= buffer.len()).then_some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn an_answer_with_a_length_ends_after_its_body() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1";
        let response = read(bytes).unwrap().unwrap();
        assert_eq!(
            (response.status, &bytes[response.body.clone()], response.end),
            (200, &b"hi"[..], 40)
        );
        assert!(response.keep_alive);
    }

    #[test]
    fn an_answer_is_awaited_until_its_last_byte() {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        for cut in 1..bytes.len() {
            assert_eq!(read(&bytes[..cut]).unwrap(), None, "after {cut} bytes");
        }
    }

    #[test]
    fn a_chunked_answer_is_awaited_until_its_last_byte() {
        let bytes =
            b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for cut in 1..bytes.len() {
            assert_eq!(read(&bytes[..cut]).unwrap(), None, "after {cut} bytes");
        }
        assert_eq!(read(bytes).unwrap().unwrap().end, bytes.len());
    }

    #[test]
    fn a_server_that_closes_is_noticed() {
        let bytes = b"HTTP/1.1 503 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        assert!(!read(bytes).unwrap().unwrap().keep_alive);
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(read(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
    }
}
