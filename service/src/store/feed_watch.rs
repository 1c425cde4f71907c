//! Wakes readers of the change feed when there is something new: while any of them waits, one connection looks for it many
//! times a second. A NOTIFY in every transaction would wake every replica for each of them, and lets no two commit at a
//! time (docs/adr/0094).
//!
//! A connection that only waited would not notice that its other end is gone; this one looks every few seconds at least.

use super::connector::{Connector, Opened};
use super::sql_error::StoreError;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, SimpleQueryMessage};

/// The position of the newest change. Not prepared, so that it depends on no session.
const NEWEST: &str = "SELECT position FROM user_changes ORDER BY position DESC LIMIT 1";

/// The pause between two looks while somebody waits: the most that a change is late by, beside the time that a look takes.
const PAUSE: Duration = Duration::from_millis(20);
/// The pause while nobody waits.
const IDLE_PAUSE: Duration = Duration::from_secs(2);
/// The most that a look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// How long to wait before connecting again after the connection broke.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Wakes those who wait for the next change.
pub(super) struct FeedWatch {
    changed: watch::Sender<()>,
    /// Begun waiting.
    waiter: Arc<Notify>,
    lag: Lag,
}

/// Since when no change is sure to have been seen; `None` while looks are answered.
#[derive(Clone)]
struct Lag(Arc<Mutex<Option<Instant>>>);

impl Lag {
    fn since(&self, since: Option<Instant>) {
        let mut lag = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A lag that goes on began when it began.
        *lag = since.map(|since| lag.unwrap_or(since));
    }
}

impl FeedWatch {
    pub(super) fn start(connector: Connector) -> Self {
        let (changed, _) = watch::channel(());
        let waiter = Arc::new(Notify::new());
        let lag = Lag(Arc::new(Mutex::new(Some(Instant::now()))));
        tokio::spawn(keep_looking(
            connector,
            changed.clone(),
            waiter.clone(),
            lag.clone(),
        ));
        Self {
            changed,
            waiter,
            lag,
        }
    }

    /// How old a change may be of which readers here were not notified: zero while looks are answered.
    pub(super) fn notification_lag(&self) -> Duration {
        let since = self.lag.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Watches from the call on; the future is ready when there may be something new.
    pub(super) fn next(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changed = self.changed.subscribe();
        self.waiter.notify_one();
        async move {
            let _ = changed.changed().await;
        }
    }
}

async fn keep_looking(
    connector: Connector,
    changed: watch::Sender<()>,
    waiter: Arc<Notify>,
    lag: Lag,
) {
    // The store holds one sender, this task the other.
    while changed.sender_count() > 1 {
        if let Ok(Opened { client, connection }) = connector.open().await {
            let mut connection = pin!(connection);
            let why = tokio::select! {
                why = look(&client, &changed, &waiter, &lag) => why,
                ended = &mut connection => ended.map_or_else(StoreError::from, |()| StoreError::ConnectionLost),
            };
            tracing::warn!(error = %why, "the connection that watches the change feed broke; connecting again");
        }
        lag.since(Some(Instant::now()));
        sleep(RETRY_DELAY).await;
    }
}

/// Looks again and again, and wakes those who wait when the newest change is another.
async fn look(
    client: &Client,
    changed: &watch::Sender<()>,
    waiter: &Notify,
    lag: &Lag,
) -> StoreError {
    // What was committed while nobody looked is found by those who wait when they look themselves.
    let mut seen = None;
    while changed.sender_count() > 1 {
        let newest = match within_limit(lag, client.simple_query(NEWEST)).await {
            Ok(messages) => position(&messages),
            Err(error) => return error,
        };
        if seen.as_ref() != Some(&newest) {
            seen = Some(newest);
            changed.send_replace(());
        }
        if changed.receiver_count() > 0 {
            sleep(PAUSE).await;
        } else {
            // A reader that begins to wait meanwhile ends the pause.
            let _ = timeout(IDLE_PAUSE, waiter.notified()).await;
        }
    }
    StoreError::ConnectionLost
}

/// The position in the answer, as its text; empty while there is no change.
fn position(messages: &[SimpleQueryMessage]) -> String {
    let text = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    text.unwrap_or_default().to_owned()
}

/// What the connection answers in time; otherwise, the lag goes back to the last look.
async fn within_limit<T>(
    lag: &Lag,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    let since = Instant::now();
    let Ok(answer) = timeout(LOOK_LIMIT, asked).await else {
        lag.since(Some(since.checked_sub(IDLE_PAUSE).unwrap_or(since)));
        return Err(StoreError::TimedOut);
    };
    let answer = answer?;
    lag.since(None);
    Ok(answer)
}
