//! A server in a container, started by testcontainers; the image must behave like the official one.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use testcontainers::core::{ContainerPort, ImageExt};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, TestcontainersError};

use crate::connection::connect;
use crate::error::{Error, Reason};
use crate::instance::{NAME, random_hex};
use crate::watchdog::Watchdog;

const PORT: ContainerPort = ContainerPort::Tcp(5432);
/// Includes pulling the image.
const START_TIMEOUT: Duration = Duration::from_mins(5);
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// A running container; dropping this value stops it.
#[derive(Debug)]
pub(crate) struct Container {
    handle: ContainerAsync<GenericImage>,
    url: String,
    /// Removes the container if we are killed; absent without a `docker` client.
    watchdog: Option<Watchdog>,
}

impl Container {
    /// Starts the image and returns when its server accepts connections.
    pub(crate) async fn start(image: &str, settings: &[(String, String)]) -> Result<Self, Error> {
        let password = random_hex()?;
        let (name, tag) = name_and_tag(image);
        let arguments = settings
            .iter()
            .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]);
        let request = GenericImage::new(name, tag)
            .with_exposed_port(PORT)
            .with_startup_timeout(START_TIMEOUT)
            .with_env_var("POSTGRES_USER", NAME)
            .with_env_var("POSTGRES_DB", NAME)
            .with_env_var("POSTGRES_PASSWORD", &password)
            .with_cmd(std::iter::once("postgres".to_owned()).chain(arguments));
        let handle = request
            .start()
            .await
            .map_err(|error| not_started(image, &error))?;
        let watchdog = start_watchdog(handle.id());
        let failed = |error: TestcontainersError| not_started(image, &error);
        let host = handle.get_host().await.map_err(failed)?;
        let port = handle.get_host_port_ipv4(PORT).await.map_err(failed)?;
        let url = format!("postgres://{NAME}:{password}@{host}:{port}/{NAME}");
        wait_until_ready(&url).await?;
        Ok(Self {
            handle,
            url,
            watchdog,
        })
    }

    /// The URL of its first database, with the password.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Removes the container with its volumes.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        let removed = self.handle.rm().await;
        drop(self.watchdog);
        removed.map_err(|error| {
            let next =
                "look for it with `docker ps` and remove it with `docker rm --force --volumes`";
            Error::new(
                Reason::Failed,
                "cannot remove the container",
                error.to_string(),
                next,
            )
        })
    }
}

/// The image first starts a temporary server to set up its database: wait for the final one.
async fn wait_until_ready(url: &str) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let answer = match connect(url).await {
            Ok(client) => client
                .simple_query("SELECT 1")
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.why),
        };
        match answer {
            Ok(()) => return Ok(()),
            Err(why) if begun.elapsed() > READY_TIMEOUT => {
                let what = format!(
                    "the container's PostgreSQL did not respond within {} s",
                    READY_TIMEOUT.as_secs()
                );
                return Err(Error::new(
                    Reason::NoContainer,
                    what,
                    why,
                    "look at `docker logs` of the container",
                ));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

fn start_watchdog(id: &str) -> Option<Watchdog> {
    let client = Command::new("docker").arg("--version").output().ok()?;
    let mut shell = Command::new("sh");
    shell.process_group(0);
    let script = r#"docker rm --force --volumes "$1""#;
    client
        .status
        .success()
        .then(|| Watchdog::start(shell, script, &[id.as_ref()]).ok())?
}

fn not_started(image: &str, error: &TestcontainersError) -> Error {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !why.contains(&cause_text) {
            why = format!("{why}: {cause_text}");
        }
        source = cause.source();
    }
    let next =
        "start Docker, or set ROSTER_TEST_POSTGRES_IMAGE to an image that it has or can pull";
    Error::new(
        Reason::NoContainer,
        format!("cannot start a container of {image}"),
        why,
        next,
    )
}

/// A colon after the last slash starts the tag; one before it starts the registry's port.
fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::name_and_tag;

    #[test]
    fn a_registrys_port_is_no_tag() {
        assert_eq!(
            name_and_tag("localhost:5000/postgres"),
            ("localhost:5000/postgres", "latest")
        );
        assert_eq!(
            name_and_tag("localhost:5000/postgres:15"),
            ("localhost:5000/postgres", "15")
        );
        assert_eq!(name_and_tag("postgres:17"), ("postgres", "17"));
    }
}
