//! Stands between the app and `PostgreSQL`, and can be cut, as a network can.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A relay of TCP connections to a database.
pub(crate) struct Relay {
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
    /// A relay to the server of `url`.
    pub(crate) async fn start(url: &str) -> Self {
        let (head, tail) = url.rsplit_once('@').expect("a URL with a user");
        let (server, rest) = tail.split_once('/').expect("a URL with a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(watch::Sender::new(State::Open));
        let silent_before = Arc::new(watch::Sender::new(0));
        let taken = Arc::new(AtomicUsize::new(0));
        tokio::spawn(relay(
            listener,
            server.to_owned(),
            state.clone(),
            silent_before.clone(),
            taken.clone(),
        ));
        Self {
            state,
            silent_before,
            taken,
            url: format!("{head}@{address}/{rest}"),
        }
    }

    /// The URL of one database by way of several relays, in this order.
    pub(crate) fn url_of(relays: &[&Self]) -> String {
        let servers: Vec<_> = relays.iter().map(|relay| relay.server()).collect();
        let (head, tail) = relays[0].url.rsplit_once('@').expect("a URL with a user");
        let (_, rest) = tail.split_once('/').expect("a URL with a database");
        format!("{head}@{}/{rest}", servers.join(","))
    }

    fn server(&self) -> &str {
        let (_, tail) = self.url.rsplit_once('@').expect("a URL with a user");
        tail.split_once('/').expect("a URL with a database").0
    }

    /// How many connections it has taken so far.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// Lets nothing through any more on the connections that there are, and goes on with new ones: as a hop that has
    /// forgotten them, and keeps them alive all the same.
    pub(crate) fn forget(&self) {
        self.silent_before.send_replace(self.taken());
    }

    /// The database's URL by way of the relay.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Breaks off every connection and refuses new ones.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Breaks off every connection once and takes new ones at once.
    pub(crate) fn cut_once(&self) {
        self.cut();
        self.restore();
    }

    /// Lets nothing through any more, and says nothing, as when a host is gone.
    pub(crate) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Takes connections again.
    pub(crate) fn restore(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn relay(
    listener: TcpListener,
    server: String,
    state: Arc<watch::Sender<State>>,
    silent_before: Arc<watch::Sender<usize>>,
    taken: Arc<AtomicUsize>,
) {
    while let Ok((mut near, _)) = listener.accept().await {
        let number = taken.fetch_add(1, Ordering::SeqCst);
        let server = server.clone();
        let mut changes = state.subscribe();
        let mut forgotten = silent_before.subscribe();
        tokio::spawn(async move {
            if *changes.borrow_and_update() == State::Cut {
                return;
            }
            let _ = changes.wait_for(|state| *state != State::Silent).await;
            let Ok(mut far) = TcpStream::connect(server).await else {
                return;
            };
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
        });
    }
}
