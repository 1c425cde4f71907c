//! The participants of one run of `bench api`: builds them, gives each a database, starts them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use dev_postgres::Database;

use super::contestants::{Entry, Family};
use super::database::BenchPostgres;
use super::programs::{self, Program};
use super::results::{Contestant, NotMeasured};
use super::roster::{self, Roster};
use super::server::{self, Launch, Question, Server};
use xtask::interrupt;

/// One participant and its resources.
pub(super) struct Participant {
    pub(super) entry: Entry,
    pub(super) program: Program,
    pub(super) database: Database,
    /// Roster's signing key and token.
    roster: Option<Roster>,
    /// What was found so far.
    pub(super) contestant: Contestant,
    /// The best number of `pgbench`'s clients by operation.
    pub(super) clients: BTreeMap<&'static str, usize>,
    pub(super) runs: u64,
}

/// The participants that can be measured, and those that cannot.
#[derive(Default)]
pub(super) struct Built {
    programs: Vec<(Entry, Program)>,
    pub(super) not_measured: Vec<NotMeasured>,
}

/// Builds all participants. A peer whose tools are missing must not prevent measuring the others.
pub(super) fn build(wanted: &[&Entry]) -> Result<Built> {
    let mut built = Built::default();
    for entry in wanted {
        interrupt::check()?;
        match programs::build(entry.family) {
            Ok(program) => built.programs.push((**entry, program)),
            Err(error) if entry.family != Family::Roster => {
                interrupt::check()?;
                printing::eprintln!("not measured: {}: {error}", entry.name);
                let (what, why) = (entry.title.to_owned(), error.to_string());
                built.not_measured.push(NotMeasured { what, why });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(built)
}

/// Gives every participant an identical, migrated and seeded database.
pub(super) fn prepare(
    built: Built,
    postgres: &BenchPostgres,
    users: u64,
) -> Result<Vec<Participant>> {
    let roster = built
        .programs
        .iter()
        .find(|(entry, _)| entry.family == Family::Roster);
    let migrating = match roster {
        Some((_, program)) => program.clone(),
        None => programs::build(Family::Roster)?,
    };
    let template = postgres.create("bench_template")?;
    roster::migrate(&migrating, template.url())?;
    printing::eprintln!("seeding {users} users");
    postgres.seed(template.url(), users)?;
    built
        .programs
        .into_iter()
        .map(|(entry, program)| {
            let database = postgres.copy(&entry.name.replace('-', "_"), &template)?;
            Participant::new(entry, program, database)
        })
        .collect()
}

impl Participant {
    fn new(entry: Entry, program: Program, database: Database) -> Result<Self> {
        let is_roster = entry.family == Family::Roster;
        let roster = is_roster
            .then(|| Roster::prepare(&program, database.url()))
            .transpose()?;
        let file = std::fs::metadata(&program.path)
            .ok()
            .filter(|_| program.is_one_file);
        let contestant = Contestant {
            name: entry.name.to_owned(),
            title: entry.title.to_owned(),
            parts: if is_roster {
                roster::PARTS.to_owned()
            } else {
                String::new()
            },
            program_bytes: file.map(|file| file.len()),
            start_ms: Vec::new(),
            rounds: BTreeMap::new(),
        };
        Ok(Self {
            entry,
            program,
            database,
            roster,
            contestant,
            clients: BTreeMap::new(),
            runs: 0,
        })
    }

    /// Starts its server; also returns the token file, if it needs one.
    pub(super) fn start(&self, users: u64) -> Result<(Server, Option<PathBuf>)> {
        if let Some(roster) = &self.roster {
            return Ok((roster.serve()?, Some(roster.token_file.clone())));
        }
        let address = server::free_address()?;
        let args = match self.entry.family {
            Family::Flask { .. } => vec!["--bind".to_owned(), address.to_string()],
            _ => Vec::new(),
        };
        let env = vec![
            ("DATABASE_URL", self.database.url().to_owned()),
            ("USERS", users.to_string()),
        ];
        let launch = Launch {
            args,
            env,
            address,
            question: Question::for_a_user(None)?,
        };
        Ok((
            Server::start(self.entry.name, &self.program, &launch)?,
            None,
        ))
    }
}
