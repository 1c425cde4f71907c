//! A contestant of which several serve one database: this build of Roster, another one, or a peer.

use std::path::Path;

use anyhow::{Context, Result};
use dev_postgres::Database;

use super::contestants::{ENTRIES, Entry, Family};
use super::database::BenchPostgres;
use super::programs::{self, Program};
use super::roster::{self, Roster};
use super::server::{self, Launch, Question, Server};
use crate::cli::BenchReplicasArgs;

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
    /// This build of Roster first, then the others that the command line names; each with a database of its own.
    pub(super) fn prepare_all(
        args: &BenchReplicasArgs,
        postgres: &BenchPostgres,
    ) -> Result<Vec<Self>> {
        let this = programs::build(Family::Roster)?;
        let mut rosters = vec![("**Roster**".to_owned(), this.clone())];
        for path in &args.against {
            rosters.push((format!("`{}`", name_of(path)?), programs::existing(path)?));
        }
        let mut all = Vec::new();
        for (number, (title, program)) in rosters.into_iter().enumerate() {
            let database = seeded(postgres, &program, &format!("bench_build_{number}"), args)?;
            let names = format!("roster-build-{number}");
            let roster = Roster::prepare_as(&names, &program, database.url())?;
            all.push(Self {
                title,
                database,
                program,
                roster: Some(roster),
                users: args.users,
            });
        }
        for entry in ENTRIES.iter().filter(|entry| is_wanted(entry, args)) {
            let program = programs::build(entry.family)?;
            let label = format!("bench_{}", entry.name.replace('-', "_"));
            all.push(Self {
                title: entry.title.to_owned(),
                database: seeded(postgres, &this, &label, args)?,
                program,
                roster: None,
                users: args.users,
            });
        }
        Ok(all)
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

fn is_wanted(entry: &Entry, args: &BenchReplicasArgs) -> bool {
    args.peers.iter().any(|name| name == entry.name)
}

fn name_of(path: &Path) -> Result<String> {
    let name = path.file_name().context("a program has a name")?;
    Ok(name.to_string_lossy().into_owned())
}

fn seeded(
    postgres: &BenchPostgres,
    program: &Program,
    label: &str,
    args: &BenchReplicasArgs,
) -> Result<Database> {
    let database = postgres.create(label)?;
    roster::migrate(program, database.url())?;
    printing::eprintln!("{label}: seeding {} users", args.users);
    postgres.seed(database.url(), args.users)?;
    Ok(database)
}
