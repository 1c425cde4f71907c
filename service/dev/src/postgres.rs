//! A PostgreSQL for a command: found or started by `dev-postgres`, whose faults become those of a command.
//!
//! Prebuilt binaries are downloaded when there is no other server, or when they are chosen.
//!
//! Programs are built without testcontainers, which few machines need. The first that needs a container builds itself again
//! with it and begins from the start; from then on the target folder remembers.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::embedded_postgres;
pub use crate::postgres_failure::failure;
use anyhow::{Context, Result};
use dev_postgres::{Choice, DevPostgres, Options, Prefer, Reason, embedded};
use xtask::build::{self, Build};

/// Finds a server or starts one. Nothing may have been started before it that does not end with this process: where a
/// container is needed and this program cannot start one, another build of it takes its place.
pub async fn find_or_start(options: Options) -> Result<DevPostgres> {
    match DevPostgres::find_or_start(options.clone()).await {
        Ok(server) => Ok(server),
        Err(error) if error.reason == Reason::BuiltWithoutContainers => Err(begin_again()?),
        Err(error) if error.reason == Reason::NotDownloaded => {
            let major = match options.prefer {
                Prefer::Embedded(major) => major,
                _ => embedded::newest(),
            };
            embedded_postgres::provide_beside(major, error.why).await?;
            let options = options.choose(&Choice::Embedded(major));
            let started = DevPostgres::find_or_start(options).await;
            started.map_err(|error| failure(error).into())
        }
        Err(error) => Err(failure(error).into()),
    }
}

/// Replaces this program by one that can start containers; returns only when that fails.
fn begin_again() -> Result<anyhow::Error> {
    printing::eprintln!("postgres: no server binaries; building with support for containers");
    build::use_containers()?;
    let own = std::env::current_exe().context("cannot determine the path of this program")?;
    let name = own
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let program = Build::one(&name)?;
    let error = Command::new(program)
        .args(std::env::args_os().skip(1))
        .exec();
    Ok(anyhow::Error::new(error).context(format!("cannot start {name}")))
}
