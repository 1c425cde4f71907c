//! Notifies readers of the change feed that there is something new: one connection listens for all of them.
//!
//! A connection that only listens would not notice that its other end is gone, so it proves every few seconds that it hears.

use super::connector::{Connector, Opened};
use super::sql_error::StoreError;
use super::write_sql::LISTEN;
use futures_util::{StreamExt, stream};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_postgres::{AsyncMessage, Client};

/// How long to wait before listening again after the connection broke.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// How often the connection proves that it hears, and the most that a proof may take.
const PROOF_INTERVAL: Duration = Duration::from_secs(2);
const PROOF_LIMIT: Duration = Duration::from_secs(2);

/// Wakes those who wait for the next change.
pub(super) struct Notifications {
    heard: watch::Sender<()>,
    lag: Lag,
}

/// Since when no change is sure to have been heard; `None` while the connection has proven itself.
#[derive(Clone)]
struct Lag(Arc<Mutex<Option<Instant>>>);

impl Lag {
    fn since(&self, since: Option<Instant>) {
        let mut lag = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A lag that goes on began when it began.
        *lag = since.map(|since| lag.unwrap_or(since));
    }
}

impl Notifications {
    pub(super) fn start(connector: Connector) -> Self {
        let (heard, _) = watch::channel(());
        let lag = Lag(Arc::new(Mutex::new(Some(Instant::now()))));
        tokio::spawn(listen(connector, heard.clone(), lag.clone()));
        Self { heard, lag }
    }

    /// How old a change may be of which readers here were not notified: zero while this replica listens.
    pub(super) fn notification_lag(&self) -> Duration {
        let since = self.lag.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Watches from the call on; the future is ready at the next notification.
    pub(super) fn next(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut heard = self.heard.subscribe();
        async move {
            let _ = heard.changed().await;
        }
    }
}

async fn listen(connector: Connector, heard: watch::Sender<()>, lag: Lag) {
    // The store holds one sender, this task the other.
    while heard.sender_count() > 1 {
        if let Ok(opened) = connector.open().await {
            let why = hear(opened, &heard, &lag).await;
            tracing::warn!(error = %why, "the connection that listens for changes broke; listening again");
        }
        lag.since(Some(Instant::now()));
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Hands notifications on until the connection breaks or does not prove in time that it hears.
async fn hear(opened: Opened, heard: &watch::Sender<()>, lag: &Lag) -> StoreError {
    let Opened {
        client,
        mut connection,
    } = opened;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let receive = async {
        loop {
            match messages.next().await {
                Some(Ok(AsyncMessage::Notification(_))) => {
                    heard.send_replace(());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return error.into(),
                None => return StoreError::ConnectionLost,
            }
        }
    };
    tokio::select! {
        why = receive => why,
        why = prove(&client, heard, lag) => why,
    }
}

/// Listens, and proves again and again that what is sent arrives and is answered.
async fn prove(client: &Client, heard: &watch::Sender<()>, lag: &Lag) -> StoreError {
    let mut statement = LISTEN;
    loop {
        let asked = Instant::now();
        match tokio::time::timeout(PROOF_LIMIT, client.batch_execute(statement)).await {
            Ok(Ok(())) => lag.since(None),
            Ok(Err(error)) => return error.into(),
            Err(_) => {
                lag.since(Some(asked.checked_sub(PROOF_INTERVAL).unwrap_or(asked)));
                return StoreError::TimedOut;
            }
        }
        if statement == LISTEN {
            // What was committed while nobody listened is found by those who wait when they look again.
            heard.send_replace(());
            statement = "";
        }
        tokio::time::sleep(PROOF_INTERVAL).await;
    }
}
