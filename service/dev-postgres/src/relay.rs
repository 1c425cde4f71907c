//! Stands between a program and `PostgreSQL`, and can be cut, as a network can. Must not interpret the data.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A relay of TCP connections to a database. It ends with the runtime on which it was started.
pub struct Relay {
    state: Arc<watch::Sender<State>>,
    /// Connections made before the one of this number are silent for good.
    silent_before: Arc<watch::Sender<usize>>,
    taken: Arc<AtomicUsize>,
    url: String,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Connections are broken off and refused.
    Cut,
    /// Connections are taken and nothing is said any more.
    Silent,
}

impl Relay {
    /// A relay to the server of `url`, at a free port of this machine.
    pub async fn start(url: &str) -> io::Result<Self> {
        Self::listen(TcpListener::bind("127.0.0.1:0").await?, url)
    }

    /// The same, for the connections of a listener.
    pub fn listen(listener: TcpListener, url: &str) -> io::Result<Self> {
        let (head, server, rest) = parts(url).ok_or_else(|| {
            let what = "the database's URL is not postgres://USER@HOST/DATABASE";
            io::Error::new(io::ErrorKind::InvalidInput, what)
        })?;
        let relay = Self {
            state: Arc::new(watch::Sender::new(State::Open)),
            silent_before: Arc::new(watch::Sender::new(0)),
            taken: Arc::default(),
            url: format!("{head}@{}/{rest}", listener.local_addr()?),
        };
        tokio::spawn(accept(
            listener,
            server.to_owned(),
            relay.state.clone(),
            relay.silent_before.clone(),
            relay.taken.clone(),
        ));
        Ok(relay)
    }

    /// The URL of one database by way of several relays, in this order.
    pub fn url_of(relays: &[&Self]) -> String {
        let split = |relay: &&Self| parts(&relay.url).map(|(_, server, _)| server.to_owned());
        let servers: Vec<_> = relays.iter().filter_map(split).collect();
        let first = relays.first().and_then(|relay| parts(&relay.url));
        first.map_or_else(String::new, |(head, _, rest)| {
            format!("{head}@{}/{rest}", servers.join(","))
        })
    }

    /// How many connections it has taken so far.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// Lets nothing through any more on the connections that there are, and goes on with new ones: as a hop that has
    /// forgotten them, and keeps them alive all the same.
    pub fn forget(&self) {
        self.silent_before.send_replace(self.taken());
    }

    /// The database's URL by way of the relay.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Breaks off every connection and refuses new ones.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Breaks off every connection once and takes new ones at once.
    pub fn cut_once(&self) {
        self.cut();
        self.restore();
    }

    /// Lets nothing through any more, and says nothing, as when a host is gone.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Takes connections again.
    pub fn restore(&self) {
        self.state.send_replace(State::Open);
    }
}

/// What stands before the server in a URL, the server, and what stands behind it.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (head, tail) = url.rsplit_once('@')?;
    let (server, rest) = tail.split_once('/')?;
    Some((head, server, rest))
}

async fn accept(
    listener: TcpListener,
    server: String,
    state: Arc<watch::Sender<State>>,
    silent_before: Arc<watch::Sender<usize>>,
    taken: Arc<AtomicUsize>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let number = taken.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(pass(
            near,
            server.clone(),
            number,
            state.subscribe(),
            silent_before.subscribe(),
        ));
    }
}

/// One connection.
async fn pass(
    mut near: TcpStream,
    server: String,
    number: usize,
    mut changes: watch::Receiver<State>,
    mut forgotten: watch::Receiver<usize>,
) {
    if *changes.borrow_and_update() == State::Cut {
        return;
    }
    let _ = changes.wait_for(|state| *state != State::Silent).await;
    let Ok(mut far) = TcpStream::connect(server).await else {
        return;
    };
    for stream in [&near, &far] {
        let _ = stream.set_nodelay(true);
    }
    let mut copying = Box::pin(copy_bidirectional(&mut near, &mut far));
    let is_forgotten = async {
        let _ = forgotten
            .wait_for(|before| number < *before)
            .await
            .map(drop);
    };
    let goes_on = tokio::select! {
        _ = &mut copying => return,
        _ = changes.changed() => true,
        () = is_forgotten => false,
    };
    if !goes_on {
        let _ = changes.changed().await;
    }
    // Silence keeps the connection open and moves nothing until the relay is restored or cut, and then ends it.
    while *changes.borrow_and_update() == State::Silent {
        let _ = changes.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::{Relay, parts};

    async fn echo() -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        address
    }

    async fn answers(stream: &mut TcpStream) -> bool {
        let mut byte = [0];
        let asked = async {
            stream.write_all(b"x").await?;
            stream.read_exact(&mut byte).await
        };
        timeout(Duration::from_secs(10), asked)
            .await
            .is_ok_and(|answer| answer.is_ok())
    }

    #[tokio::test]
    async fn a_cut_relay_closes_what_is_open_and_what_comes_and_a_restored_one_serves() {
        let url = format!("postgres://u:p@{}/db", echo().await);
        let relay = Relay::start(&url).await.unwrap();
        let address = parts(relay.url()).unwrap().1.to_owned();
        let connect = || TcpStream::connect(&address);
        let mut open = connect().await.unwrap();
        assert!(answers(&mut open).await);
        relay.cut();
        assert!(
            !answers(&mut open).await,
            "the open connection was not closed"
        );
        assert!(!answers(&mut connect().await.unwrap()).await);
        relay.restore();
        assert!(answers(&mut connect().await.unwrap()).await);
        assert_eq!(relay.taken(), 3);
    }

    #[test]
    fn the_server_is_found_behind_a_password() {
        let url = "postgres://roster:a%40b@127.0.0.1:5433/e2e?sslmode=disable";
        let expected = (
            "postgres://roster:a%40b",
            "127.0.0.1:5433",
            "e2e?sslmode=disable",
        );
        assert_eq!(parts(url), Some(expected));
        assert_eq!(parts("postgres://127.0.0.1"), None);
    }
}
