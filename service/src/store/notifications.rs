//! Tells readers of the change feed that there is something new: one connection listens for all of them.

use super::connector::Connector;
use super::write_sql::LISTEN;
use futures_util::{StreamExt, stream};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_postgres::AsyncMessage;

/// How long to wait before listening again after the connection broke.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Wakes whoever waits for the next change.
pub(super) struct Notifications {
    heard: watch::Sender<()>,
    deaf: Deaf,
}

/// Since when nobody listens; `None` while somebody does.
#[derive(Clone)]
struct Deaf(Arc<Mutex<Option<Instant>>>);

impl Deaf {
    fn set(&self, deaf: bool) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = deaf.then(|| since.unwrap_or_else(Instant::now));
    }
}

impl Notifications {
    pub(super) fn start(connector: Connector) -> Self {
        let (heard, _) = watch::channel(());
        let deaf = Deaf(Arc::new(Mutex::new(Some(Instant::now()))));
        tokio::spawn(listen(connector, heard.clone(), deaf.clone()));
        Self { heard, deaf }
    }

    /// How old a change may be that readers here were not told of: zero while this replica listens.
    pub(super) fn deaf_for(&self) -> Duration {
        let since = self.deaf.0.lock().unwrap_or_else(PoisonError::into_inner);
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

async fn listen(connector: Connector, heard: watch::Sender<()>, deaf: Deaf) {
    // The store holds one sender, this task the other.
    while heard.sender_count() > 1 {
        if let Ok((client, mut connection)) = connector.open().await {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            let subscribe = client.batch_execute(LISTEN);
            let receive = async {
                while let Some(Ok(message)) = messages.next().await {
                    if matches!(message, AsyncMessage::Notification(_)) {
                        heard.send_replace(());
                    }
                }
            };
            let subscribed = async {
                let listening = subscribe.await;
                // What was committed while nobody listened is found by those who wait when they look again.
                heard.send_replace(());
                if listening.is_ok() {
                    deaf.set(false);
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = receive => {}
                () = subscribed => {}
            }
            deaf.set(true);
            tracing::warn!("the connection that listens for changes broke; listening again");
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}
