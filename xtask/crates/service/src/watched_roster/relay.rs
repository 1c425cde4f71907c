//! A TCP relay in front of the database that can be cut, like a lost network. Must not interpret the data.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

/// A relay; stopped on drop.
pub(super) struct Relay {
    url: String,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    ends: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Starts relaying to the host and port of this database URL.
    pub(super) fn start(database_url: &str) -> Result<Self> {
        let (before, after) = database_url
            .split_once('@')
            .context("the database's URL has no host")?;
        let (target, path) = after
            .split_once('/')
            .context("the database's URL has no database")?;
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        listener.set_nonblocking(true)?;
        let url = format!("{before}@{}/{path}", listener.local_addr()?);
        let shared = Arc::<Shared>::default();
        let target = target.to_owned();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener, &target)
        });
        Ok(Self {
            url,
            shared,
            thread: Some(thread),
        })
    }

    /// The database's URL through the relay.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Closes every connection; new ones are closed at once.
    pub(super) fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        self.shared.close_all();
    }

    /// Accepts connections again.
    pub(super) fn restore(&self) {
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        self.shared.close_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn accept(&self, listener: &TcpListener, target: &str) {
        while !self.ends.load(Ordering::SeqCst) {
            let Ok((client, _)) = listener.accept() else {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            };
            if !self.is_cut.load(Ordering::SeqCst) {
                // Dropping the connection closes it.
                let _ = self.join(client, target);
            }
        }
    }

    fn join(&self, client: TcpStream, target: &str) -> io::Result<()> {
        client.set_nonblocking(false)?;
        let server = TcpStream::connect(target)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            self.streams().push(stream.try_clone()?);
        }
        for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
            std::thread::spawn(move || copy(from, to));
        }
        Ok(())
    }

    fn close_all(&self) {
        for stream in self.streams().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let back = stream.try_clone().unwrap();
                std::thread::spawn(move || copy(stream, back));
            }
        });
        address
    }

    fn answers(address: &str) -> bool {
        let mut byte = [0];
        let asked = TcpStream::connect(address).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(b"x")?;
            stream.read_exact(&mut byte)
        });
        asked.is_ok() && byte == *b"x"
    }

    #[test]
    fn a_cut_relay_closes_what_is_open_and_what_comes_and_a_restored_one_serves() {
        let relay = Relay::start(&format!("postgres://u:p@{}/db", echo())).unwrap();
        let address = relay
            .url()
            .split_once('@')
            .unwrap()
            .1
            .strip_suffix("/db")
            .unwrap()
            .to_owned();
        assert!(answers(&address));
        let mut open = TcpStream::connect(&address).unwrap();
        open.write_all(b"x").unwrap();
        let mut byte = [0];
        open.read_exact(&mut byte).unwrap();
        relay.cut();
        assert_eq!(
            open.read(&mut byte).unwrap_or(0),
            0,
            "the open connection was not closed"
        );
        assert!(!answers(&address));
        relay.restore();
        assert!(answers(&address));
    }
}
