//! What Roster needs of a session of `PostgreSQL`, whatever the role, the database or the server has as defaults: it is set in
//! one round trip as a connection is made, which also asks whether the server is one that can be used.
//! Must not know how connections are made, nor what they are used for.

use super::limits::Limits;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage};

/// The parameters that are set in every session, and which flag sets them.
const MANAGED: &[(&str, &str)] = &[
    ("statement_timeout", "use --statement-timeout-ms"),
    ("lock_timeout", "use --lock-timeout-ms"),
    (
        "idle_in_transaction_session_timeout",
        "use --database-timeout-ms",
    ),
    ("idle_session_timeout", "use --idle-timeout-ms"),
    ("synchronous_commit", "leave it out"),
    ("default_transaction_isolation", "leave it out"),
    ("timezone", "leave it out"),
    ("enable_seqscan", "leave it out"),
    ("jit", "leave it out"),
];

/// What to do instead of setting this parameter by a connection string, if every session sets it.
pub(super) fn managed(name: &str) -> Option<&'static str> {
    let found = MANAGED.iter().find(|(managed, _)| *managed == name);
    found.map(|(_, next)| *next)
}

/// What a server is for Roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerState {
    /// It takes writes.
    Writable,
    /// A primary whose sessions are read-only for the time being: every read sees what was committed.
    ReadOnly,
    /// It follows a primary: a read there would not see what was just written.
    Standby,
}

/// The statement that prepares a session.
pub(super) fn preparation(limits: &Limits) -> String {
    let ms = |time: Duration| time.as_millis().to_string();
    // No statement here is meant to read a whole table or to be compiled; where PostgreSQL guesses wrong how much one finds,
    // or guessed while the table was small, it would do both. Transactions are written for read committed.
    let values = [
        ms(limits.statement_timeout),
        ms(limits.lock_timeout),
        ms(limits.store_timeout * 2),
        "0".to_owned(),
        "on".to_owned(),
        "read committed".to_owned(),
        "UTC".to_owned(),
        "off".to_owned(),
        "off".to_owned(),
    ];
    let mut sql = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')".to_owned();
    for ((name, _), value) in MANAGED.iter().zip(values) {
        let _ = write!(sql, ", set_config('{name}', '{value}', false)");
    }
    sql
}

/// Prepares the session of `client`, whose connection is driven meanwhile.
pub(super) async fn prepare(
    client: &Client,
    connection: &mut (impl Future<Output = Result<(), tokio_postgres::Error>> + Unpin),
    preparation: &str,
) -> Result<ServerState, tokio_postgres::Error> {
    let mut asking = pin!(client.simple_query(preparation));
    let mut connection = pin!(connection);
    let mut is_open = true;
    let messages = std::future::poll_fn(|context| {
        if is_open {
            match connection.as_mut().poll(context) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => is_open = false,
                Poll::Pending => {}
            }
        }
        asking.as_mut().poll(context)
    })
    .await?;
    Ok(state(&messages))
}

/// The state of the server, by the answer to [`preparation`] or [`ASK_STATE`].
pub(super) fn state(messages: &[SimpleQueryMessage]) -> ServerState {
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let is = |at, value| row.is_some_and(|row| row.get(at) == Some(value));
    if is(0, "t") {
        ServerState::Standby
    } else if is(1, "on") {
        ServerState::ReadOnly
    } else {
        ServerState::Writable
    }
}

/// Asks what the server is by now.
pub(super) const ASK_STATE: &str =
    "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')";
