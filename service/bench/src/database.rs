//! The PostgreSQL of the benchmarks: private, durable, seeded with users identified by number.

use std::ops::Range;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use bench_load::seeded;
use dev_postgres::{Choice, Database, DevPostgres, Options, Prefer};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use super::programs::FOLDER;
use roster_dev::postgres;
use roster_dev::user_copy::{self, UserRow};
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

const BATCH: u64 = 10_000;
const BATCHES_AT_ONCE: usize = 3;
/// 2024-01-01; users are created one millisecond apart from here on.
const FIRST_CREATED: Duration = Duration::from_hours(473_352);

/// A durable server with room for the data. It vacuums between measurements, not during them, so that no contestant
/// pays for another's rows.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "1GB"),
    ("max_connections", "300"),
    ("max_wal_size", "8GB"),
    ("maintenance_work_mem", "1GB"),
    ("checkpoint_timeout", "1h"),
    ("autovacuum", "off"),
];

/// The server that the command line chose for all benchmarks of this run.
static CHOSEN: OnceLock<Choice> = OnceLock::new();

/// Chooses the server. A benchmark reads the CPU time of its processes, so it must be one that this program starts.
pub(super) fn choose(choice: Choice) -> Result<()> {
    if matches!(choice, Choice::Container | Choice::Url(_)) {
        let what = "a benchmark needs a PostgreSQL that it starts itself";
        let why = "it reads the CPU time of the server's processes";
        let next = "use --postgres system, embedded, 15, 16, 17 or 18";
        return Err(Failure::new(Kind::Usage, what, why, next).into());
    }
    CHOSEN.get_or_init(|| choice);
    Ok(())
}

/// A running server.
pub(super) struct BenchPostgres {
    runtime: Runtime,
    server: DevPostgres,
    /// The server's root process.
    pub(super) process: u32,
    pub(super) version: String,
}

impl BenchPostgres {
    /// Starts a private server with these additional settings.
    pub(super) fn start(more: &[(&str, &str)]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut options =
            Options::for_development(std::path::absolute(FOLDER)?.join("postgres"), "unused")
                .map_err(postgres::failure)?;
        options.name = None;
        if let Some(choice) = CHOSEN.get() {
            options = options.choose(choice);
        }
        match options.prefer {
            Prefer::Embedded(_) | Prefer::System => {}
            _ => options.prefer = Prefer::Binaries,
        }
        options.database_url = None;
        for (name, value) in SETTINGS.iter().chain(more) {
            options = options.setting(name, value);
        }
        let server = runtime.block_on(postgres::find_or_start(options))?;
        let (process, version) = runtime.block_on(describe(server.url()))?;
        Ok(Self {
            runtime,
            server,
            process,
            version,
        })
    }

    /// An empty database.
    pub(super) fn create(&self, label: &str) -> Result<Database> {
        self.runtime
            .block_on(self.server.create_database(label))
            .map_err(started)
    }

    /// A copy of a database without connections.
    pub(super) fn copy(&self, label: &str, template: &Database) -> Result<Database> {
        self.runtime
            .block_on(self.server.copy_database(label, template))
            .map_err(started)
    }

    /// Runs statements.
    pub(super) fn execute(&self, url: &str, statements: &[&str]) -> Result<()> {
        self.runtime.block_on(async {
            let client = connect(url).await?;
            for statement in statements {
                client
                    .batch_execute(statement)
                    .await
                    .with_context(|| format!("PostgreSQL rejected: {statement}"))?;
            }
            Ok(())
        })
    }

    /// The rows of a query, each as text.
    pub(super) fn texts(&self, url: &str, query: &str) -> Result<Vec<String>> {
        self.runtime.block_on(async {
            let rows = connect(url)
                .await?
                .query(query, &[])
                .await
                .with_context(|| format!("PostgreSQL rejected: {query}"))?;
            rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
        })
    }

    /// Loads users and their primary key into the buffers, as in a server that has run for a while.
    pub(super) fn warm(&self, url: &str) -> Result<()> {
        self.execute(
            url,
            &[
                "CREATE EXTENSION IF NOT EXISTS pg_prewarm",
                "SELECT pg_prewarm('users'), pg_prewarm('users_pkey')",
            ],
        )
    }

    /// Copies rows into a table as it is, with all its indexes.
    pub(super) fn copy_in(&self, url: &str, rows: impl Iterator<Item = UserRow>) -> Result<()> {
        self.runtime.block_on(async {
            let client = connect(url).await?;
            user_copy::copy(&client, rows)
                .await
                .context("the users cannot be copied")
        })
    }

    /// Has the search index merge what it has put off, so that every way to write users pays for all of it.
    pub(super) fn settle(&self, url: &str) -> Result<()> {
        self.execute(
            url,
            &["SELECT gin_clean_pending_list(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
               JOIN pg_am a ON a.oid = c.relam WHERE indrelid = 'users'::regclass AND a.amname = 'gin'"],
        )
    }

    /// Vacuums and checkpoints, so that every measurement starts alike.
    pub(super) fn tidy(&self, url: &str) -> Result<()> {
        self.execute(url, &["VACUUM (ANALYZE)", "CHECKPOINT"])
    }

    /// Fills a migrated database with users; indexes are created afterwards, which is several times as fast.
    pub(super) fn seed(&self, url: &str, users: u64) -> Result<()> {
        let names = self.texts(url, &secondary_indexes("indexname::text"))?;
        let indexes = self.texts(url, &secondary_indexes("indexdef"))?;
        for name in &names {
            self.execute(url, &[&format!("DROP INDEX {name}")])?;
        }
        self.runtime.block_on(copy_all(url, users))?;
        for index in &indexes {
            interrupt::check()?;
            self.execute(url, &[index])?;
        }
        self.tidy(url)
    }
}

/// Copies the users in, several batches at a time.
async fn copy_all(url: &str, users: u64) -> Result<()> {
    let mut batches = JoinSet::new();
    for first in (0..users).step_by(usize::try_from(BATCH)?) {
        interrupt::check()?;
        if batches.len() == BATCHES_AT_ONCE
            && let Some(done) = batches.join_next().await
        {
            done??;
        }
        batches.spawn(copy(url.to_owned(), first..users.min(first + BATCH)));
    }
    while let Some(done) = batches.join_next().await {
        done??;
    }
    Ok(())
}

async fn copy(url: String, users: Range<u64>) -> Result<()> {
    let client = connect(&url).await?;
    client
        .batch_execute("SET synchronous_commit = off")
        .await
        .context("the users cannot be seeded")?;
    user_copy::copy(&client, users.map(seeded_row))
        .await
        .context("the users cannot be seeded")
}

pub(super) fn seeded_row(user: u64) -> UserRow {
    let name = seeded::name(user);
    UserRow {
        id: u128::from_str_radix(&seeded::id(user).replace('-', ""), 16).unwrap_or_default(),
        email: seeded::email(user),
        name_key: name.to_lowercase(),
        name,
        phone: Some("+442071234567".to_owned()),
        title: "Analyst",
        department: seeded::department(user),
        status: seeded::status(user),
        created_at: UNIX_EPOCH + FIRST_CREATED + Duration::from_millis(user),
    }
}

fn secondary_indexes(column: &str) -> String {
    format!(
        "SELECT {column} FROM pg_indexes JOIN pg_index ON indexrelid = indexname::regclass
         WHERE schemaname = 'public' AND tablename = 'users' AND NOT indisunique ORDER BY indexname"
    )
}

async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("PostgreSQL does not respond")?;
    tokio::spawn(connection);
    Ok(client)
}

/// The server's root process is the parent of our backend.
async fn describe(url: &str) -> Result<(u32, String)> {
    let row = connect(url)
        .await?
        .query_one(
            "SELECT pg_backend_pid(), current_setting('server_version')",
            &[],
        )
        .await?;
    let backend: i32 = row.try_get(0)?;
    let status = std::fs::read_to_string(format!("/proc/{backend}/status")).context(
        "CPU time is read from /proc: benchmarks need Linux and a PostgreSQL on this machine",
    )?;
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .context("/proc names no parent")?;
    Ok((parent.trim().parse()?, row.try_get(1)?))
}

fn started(error: dev_postgres::Error) -> anyhow::Error {
    Failure::new(Kind::Missing, error.what, error.why, error.next).into()
}

#[cfg(test)]
mod tests {
    use super::seeded_row;
    use bench_load::seeded::name;

    #[test]
    fn seeded_users_are_known_by_their_ids() {
        let text = format!("{:032x}", seeded_row(99_999).id);
        assert_eq!(text, "01936f5e000070008100000000099999");
    }

    #[test]
    fn names_are_plausible_and_differ() {
        assert_eq!(name(0), "Ada Lovelace 00000000");
        assert_ne!(name(1), name(257));
    }
}
