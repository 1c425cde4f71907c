//! A database per test: created in one statement, dropped with the value.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_postgres::error::SqlState;

use crate::connection::{connect, with_database, words_of};
use crate::error::{Error, Reason};

const PREFIX: &str = "roster_test_";
/// The next run drops the database of a killed test once it is this old.
const STALE_AFTER: Duration = Duration::from_hours(6);
/// Retries while a template is still in use, 50 ms apart.
const TEMPLATE_TRIES: u32 = 60;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database that is dropped with this value, terminating open connections to it.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    server_url: String,
}

impl Database {
    pub(crate) async fn create(
        server_url: &str,
        label: &str,
        template: Option<&str>,
    ) -> Result<Self, Error> {
        let name = fresh_name(label);
        let url = with_database(server_url, &name)?;
        let client = connect(server_url).await?;
        let statement = format!(
            "CREATE DATABASE \"{name}\" TEMPLATE \"{}\"",
            template.unwrap_or("template1")
        );
        let mut tries = 1;
        loop {
            match client.batch_execute(&statement).await {
                Ok(()) => {
                    return Ok(Self {
                        name,
                        url,
                        server_url: server_url.to_owned(),
                    });
                }
                // The connection that migrated the template is closed, but the server may not have noticed yet.
                Err(error)
                    if error.code() == Some(&SqlState::OBJECT_IN_USE) && tries < TEMPLATE_TRIES =>
                {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => {
                    let next = "the URL's user needs permission to create databases (CREATEDB)";
                    let what = format!("cannot create the database {name}");
                    return Err(Error::new(Reason::Failed, what, words_of(&error), next));
                }
            }
        }
    }

    /// The URL to connect to it, with the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server_url, name) = (self.server_url.clone(), self.name.clone());
        // A separate thread, because a drop inside a runtime must not block on that runtime.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            // If the server is gone, so is the database.
            runtime.block_on(async {
                drop_database(&connect(&server_url).await.ok()?, &name)
                    .await
                    .ok()
            })
        });
        let _ = dropping.join();
    }
}

async fn drop_database(
    client: &tokio_postgres::Client,
    name: &str,
) -> Result<(), tokio_postgres::Error> {
    client
        .batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"))
        .await
}

/// Drops databases that killed tests left on a long-lived server.
pub(crate) async fn drop_stale(server_url: &str) -> Result<(), Error> {
    let client = connect(server_url).await?;
    let failed = |error: tokio_postgres::Error| {
        Error::new(
            Reason::Failed,
            "cannot list databases",
            words_of(&error),
            "check the permissions of the URL's user",
        )
    };
    let query = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)";
    for row in client.query(query, &[&PREFIX]).await.map_err(failed)? {
        let name: String = row.get(0);
        if made_at(&name)
            .is_some_and(|made| seconds_since_1970().saturating_sub(made) > STALE_AFTER.as_secs())
        {
            // Another process may be dropping the same one.
            let _ = drop_database(&client, &name).await;
        }
    }
    Ok(())
}

/// `roster_test_<when>_<process>_<number>_<label>`: sufficiently unique on a server that several machines share.
fn fresh_name(label: &str) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let label: String = label
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(20)
        .collect();
    format!(
        "{PREFIX}{:x}_{:x}_{number:x}_{label}",
        seconds_since_1970(),
        std::process::id()
    )
}

fn made_at(name: &str) -> Option<u64> {
    let when = name.strip_prefix(PREFIX)?.split('_').next()?;
    u64::from_str_radix(when, 16).ok()
}

fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{fresh_name, made_at, seconds_since_1970};

    #[test]
    fn a_name_tells_when_it_was_made() {
        let made = made_at(&fresh_name("users")).expect("is one of ours");
        assert!(seconds_since_1970() - made < 5);
        assert_eq!(made_at("somebody_elses"), None);
    }

    #[test]
    fn names_are_unique_and_fit_into_an_identifier() {
        let label = "a label; much longer than \"any\" name could be in sixty-three bytes";
        assert_ne!(fresh_name(label), fresh_name(label));
        assert!(fresh_name(label).len() <= 63);
    }
}
