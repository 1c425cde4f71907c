//! One server and one migrated template per test process, and a fresh copy per test.

use tokio::sync::OnceCell;

use crate::error::{Error, Reason};
use crate::{Database, DevPostgres, Options};

// Never dropped: when the process exits, the watchdog stops the server, and the template is removed with it.
static SHARED: OnceCell<(DevPostgres, Database)> = OnceCell::const_new();

/// A database for one test, created from a template that `migrate` prepared once for this process.
///
/// `migrate` gets the URL of the template and must close its connections before it returns.
pub async fn test_database<M, F, E>(migrate: M) -> Result<Database, Error>
where
    M: FnOnce(String) -> F,
    F: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let (server, template) = SHARED.get_or_try_init(|| prepare(migrate)).await?;
    server.copy_database("", template).await
}

async fn prepare<M, F, E>(migrate: M) -> Result<(DevPostgres, Database), Error>
where
    M: FnOnce(String) -> F,
    F: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let options = Options::for_tests()?;
    let server = DevPostgres::find_or_start(options.clone()).await?;
    options.say(&format!("tests run on {}", server.source()));
    let template = server.create_database("template").await?;
    migrate(template.url().to_owned()).await.map_err(|error| {
        let next = "fix the migrations: every test needs them";
        Error::new(
            Reason::Failed,
            "cannot migrate the tests' template database",
            error.to_string(),
            next,
        )
    })?;
    Ok((server, template))
}
