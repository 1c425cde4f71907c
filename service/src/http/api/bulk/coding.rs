//! Content codings of answers that are made while they are sent: chosen by `Accept-Encoding` (RFC 9110, 12.5.3).

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;
use std::io::{self, Write};

/// Fast levels: most of what compression saves is saved by them, at a fraction of the time.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Coding {
    /// The coding that the client weighs highest; of equals, the one that costs less.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let weight = |name: &str| {
            let mut weight = 0.0;
            for value in headers.get_all(ACCEPT_ENCODING) {
                let Ok(value) = value.to_str() else { continue };
                for coding in value.split(',') {
                    let mut parts = coding.split(';').map(str::trim);
                    if !parts.next().unwrap_or("").eq_ignore_ascii_case(name) {
                        continue;
                    }
                    let q =
                        parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
                    weight = q.map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
                }
            }
            weight
        };
        let (zstd, gzip) = (weight("zstd"), weight("gzip"));
        if zstd > 0.0 && zstd >= gzip {
            Self::Zstd
        } else if gzip > 0.0 {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// The name of the coding; none of the identity.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// An encoder of this coding.
    pub(super) fn encoder(self) -> io::Result<Encoder> {
        Ok(match self {
            Self::Identity => Encoder::Identity,
            Self::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Self::Zstd => {
                let encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                Encoder::Zstd(encoder)
            }
        })
    }
}

/// Encodes a body piece by piece.
pub(super) enum Encoder {
    Identity,
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// Encodes a piece; what comes of it may be empty.
    pub(super) fn encode(&mut self, plain: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(plain),
            Self::Gzip(encoder) => {
                encoder.write_all(&plain)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                encoder.write_all(&plain)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    /// Encodes the last piece, and ends the body.
    pub(super) fn finish(&mut self, plain: Vec<u8>) -> io::Result<Vec<u8>> {
        match std::mem::replace(self, Self::Identity) {
            Self::Identity => Ok(plain),
            Self::Gzip(mut encoder) => {
                encoder.write_all(&plain)?;
                encoder.finish()
            }
            Self::Zstd(mut encoder) => {
                encoder.write_all(&plain)?;
                encoder.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Coding;
    use http::header::ACCEPT_ENCODING;
    use http::{HeaderMap, HeaderValue};
    use std::io::Read;

    #[test]
    fn the_coding_that_the_client_prefers_is_chosen() {
        for (accepted, coding) in [
            ("", Coding::Identity),
            ("identity", Coding::Identity),
            ("br, *", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip, zstd;q=0.5", Coding::Gzip),
            ("GZIP;q=0.1, zstd;q=0", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
        ] {
            let value = HeaderValue::from_static(accepted);
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value)]);
            assert_eq!(Coding::accepted(&headers), coding, "{accepted}");
        }
    }

    #[test]
    fn pieces_are_one_body_again() {
        for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
            let mut encoder = coding.encoder().unwrap();
            let mut body = encoder.encode(b"a piece, ".to_vec()).unwrap();
            body.extend(encoder.finish(b"and the last".to_vec()).unwrap());
            let mut plain = Vec::new();
            match coding {
                Coding::Identity => plain = body,
                Coding::Gzip => {
                    let mut decoder = flate2::read::GzDecoder::new(&body[..]);
                    decoder.read_to_end(&mut plain).map(drop).unwrap();
                }
                Coding::Zstd => plain = zstd::stream::decode_all(&body[..]).unwrap(),
            }
            assert_eq!(plain, b"a piece, and the last", "{coding:?}");
        }
    }
}
