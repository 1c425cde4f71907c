//! A registry on this machine that answers every read with a redirect to the real one, as Docker Hub and ECR do for
//! blobs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Result;

use crate::image::reference::Reference;

/// The registry; its thread ends with the program.
pub(crate) struct Redirecting {
    image: Reference,
    redirects: Arc<AtomicU64>,
}

impl Redirecting {
    /// Starts one in front of the image's registry, if that is on this machine: others are not spoken to without TLS.
    pub(crate) fn before(image: &Reference) -> Result<Option<Self>> {
        let real = image.repository.registry.clone();
        if !real.starts_with("127.0.0.1:") {
            return Ok(None);
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut here = image.clone();
        here.repository.registry = listener.local_addr()?.to_string();
        let redirects = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&redirects);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if redirect(stream, &real).is_ok() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Some(Self {
            image: here,
            redirects,
        }))
    }

    /// The image as this registry names it.
    pub(crate) fn image(&self) -> &Reference {
        &self.image
    }

    /// How many requests it has redirected.
    pub(crate) fn redirects(&self) -> u64 {
        self.redirects.load(Ordering::Relaxed)
    }
}

fn redirect(mut stream: TcpStream, real: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The rest of the head: an answer before its end could be lost to a reset.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split_whitespace().nth(1).unwrap_or("/");
    write!(
        stream,
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{real}{path}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}
