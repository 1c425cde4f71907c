//! A short-lived connection to a server, without TLS: these servers are on this machine.

use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::error::{Error, Reason};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) async fn connect(url: &str) -> Result<Client, Error> {
    let unreachable = |why: String| {
        Error::new(
            Reason::Unreachable,
            "cannot connect to PostgreSQL",
            why,
            "check that the server runs",
        )
    };
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, tokio_postgres::connect(url, NoTls));
    let (client, connection) = connecting
        .await
        .map_err(|_| unreachable(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())))?
        .map_err(|error| unreachable(words_of(&error)))?;
    tokio::spawn(connection);
    Ok(client)
}

/// The server's message, or the error with its cause.
pub(crate) fn words_of(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(database), _) => database.to_string(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// The same server's URL with another database.
pub(crate) fn with_database(url: &str, name: &str) -> Result<String, Error> {
    let malformed = || {
        let next = "write it as postgres://user:password@host:port/database";
        Error::new(
            Reason::Settings,
            "DATABASE_URL is not a URL",
            "it has no scheme",
            next,
        )
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(malformed)?;
    let (address, query) = match rest.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (rest, String::new()),
    };
    let authority = address.split('/').next().unwrap_or_default();
    Ok(format!("{scheme}://{authority}/{name}{query}"))
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn another_database_keeps_the_rest_of_the_url() {
        let other = |url| with_database(url, "b").expect("is a URL");
        assert_eq!(
            other("postgres://u:p@h:5432/a?sslmode=disable"),
            "postgres://u:p@h:5432/b?sslmode=disable"
        );
        assert_eq!(other("postgres://u@h"), "postgres://u@h/b");
        assert_eq!(
            other("postgresql:///a?host=/run/postgresql"),
            "postgresql:///b?host=/run/postgresql"
        );
    }

    #[test]
    fn what_is_no_url_is_refused() {
        assert!(with_database("host=localhost dbname=a", "b").is_err());
    }
}
