//! A contestant of which several serve one database: this build of Roster, another one, or a peer.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dev_postgres::Database;

use super::contestants::{ENTRIES, Entry, Family};
use super::database::BenchPostgres;
use super::programs::{self, Program};
use super::roster::{self, Roster};
use super::server::{self, Launch, Question, Server};

/// One contestant and its database.
pub(super) struct Replicated {
    pub(super) title: String,
    pub(super) database: Database,
    program: Program,
    /// Roster's signing key and token; a peer has none.
    roster: Option<Roster>,
    users: u64,
}

impl Replicated {
    /// This build of Roster first, then the others; each with a database of its own.
    pub(super) fn builds(
        against: &[PathBuf],
        users: u64,
        postgres: &BenchPostgres,
    ) -> Result<Vec<Self>> {
        let this = programs::build(Family::Roster)?;
        let mut builds = vec![("**Roster**".to_owned(), this)];
        for path in against {
            builds.push((format!("`{}`", name_of(path)?), programs::existing(path)?));
        }
        let prepare = |(number, (title, program)): (usize, (String, Program))| {
            let database = seeded(postgres, &program, &format!("bench_build_{number}"), users)?;
            let names = format!("roster-build-{number}");
            let roster = Roster::prepare_as(&names, &program, database.url())?;
            Ok(Self {
                title,
                database,
                program,
                roster: Some(roster),
                users,
            })
        };
        builds.into_iter().enumerate().map(prepare).collect()
    }

    /// The peers of these names, on the schema of this build.
    pub(super) fn peers(
        names: &[String],
        users: u64,
        postgres: &BenchPostgres,
    ) -> Result<Vec<Self>> {
        let prepare = |entry: &Entry| {
            let this = programs::build(Family::Roster)?;
            let label = format!("bench_{}", entry.name.replace('-', "_"));
            Ok(Self {
                title: entry.title.to_owned(),
                database: seeded(postgres, &this, &label, users)?,
                program: programs::build(entry.family)?,
                roster: None,
                users,
            })
        };
        let wanted = |entry: &&Entry| names.iter().any(|name| name == entry.name);
        ENTRIES.iter().filter(wanted).map(prepare).collect()
    }

    /// Starts so many of them.
    pub(super) fn serve(&self, replicas: u64) -> Result<Vec<Server>> {
        (0..replicas).map(|number| self.start(number)).collect()
    }

    fn start(&self, number: u64) -> Result<Server> {
        if let Some(roster) = &self.roster {
            return roster.serve_as(&format!("roster-{number}"));
        }
        let address = server::free_address()?;
        let launch = Launch {
            args: Vec::new(),
            env: vec![
                ("DATABASE_URL", self.database.url().to_owned()),
                ("USERS", self.users.to_string()),
            ],
            address,
            question: Question::for_a_user(None)?,
        };
        Server::start(&format!("peer-{number}"), &self.program, &launch)
    }

    pub(super) fn token_file(&self) -> Option<&Path> {
        self.roster.as_ref().map(|roster| &*roster.token_file)
    }
}

fn name_of(path: &Path) -> Result<String> {
    let name = path.file_name().context("a program has a name")?;
    Ok(name.to_string_lossy().into_owned())
}

fn seeded(
    postgres: &BenchPostgres,
    program: &Program,
    label: &str,
    users: u64,
) -> Result<Database> {
    let database = postgres.create(label)?;
    roster::migrate(program, database.url())?;
    printing::eprintln!("{label}: seeding {users} users");
    postgres.seed(database.url(), users)?;
    Ok(database)
}
