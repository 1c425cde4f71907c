//! `cargo xtask bench api`: Roster, its peers and the limits, interleaved in one run on one private PostgreSQL.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::contestants::{ENTRIES, Entry, Family};
use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::machine::Machine;
use super::page::{self, PICTURES};
use super::participants::{self, Participant};
use super::pgbench::{self, Pgbench};
use super::programs::{self, FOLDER};
use super::results::{Contestant, Measurement, NotMeasured, Results, Settings};
use super::{plot, table};
use crate::cli::BenchApiArgs;
use xtask::failure::Failure;
use xtask::git;
use xtask::interrupt;
use xtask::run_tool::tool;

/// Where the results of the last run are.
pub(super) const RESULTS: &str = "target/bench/api.json";
/// Connections with which memory is measured.
const MANY_CONNECTIONS: usize = 1000;
/// The open loop's rate as a share of the closed loop's.
const SHARE_OF_PEAK: f64 = 0.7;
const OPERATIONS: [(&str, &str); 4] = [
    ("get", "GET by id"),
    ("post", "POST"),
    ("put", "PUT"),
    ("list", "List of 50"),
];

/// A run under way.
struct Bench<'a> {
    args: &'a BenchApiArgs,
    postgres: BenchPostgres,
    load: Load,
}

/// Measures every contestant and stores the results.
pub(super) fn run(args: &BenchApiArgs) -> Result<Results> {
    let wanted: Vec<&Entry> = ENTRIES
        .iter()
        .filter(|entry| args.only.is_empty() || args.only.iter().any(|name| name == entry.name))
        .collect();
    let mut built = participants::build(&wanted)?;
    let mut not_measured = std::mem::take(&mut built.not_measured);
    let load = Load::new(programs::load()?);
    let postgres = BenchPostgres::start(&[])?;
    let machine = Machine::look(&postgres.version);
    let mut bench = Bench {
        args,
        postgres,
        load,
    };
    let mut participants = participants::prepare(built, &bench.postgres, args.users)?;
    for round in 0..args.rounds {
        let count = participants.len();
        for turn in 0..count {
            // Each round starts with another contestant, so that none always follows the same one.
            let participant = &mut participants[(turn + round) % count];
            printing::eprintln!(
                "round {} of {}: {}",
                round + 1,
                args.rounds,
                participant.entry.name
            );
            if let Err(error) = bench.measure(participant, round) {
                interrupt::check()?;
                if !participant.entry.family.is_peer() {
                    return Err(error);
                }
                // A failing peer must not cost the others their results.
                let why = error
                    .downcast::<Failure>()
                    .map_or_else(|error| error.to_string(), |failure| failure.why);
                printing::eprintln!("  not measured in this round: {why}");
                let what = format!("{} in round {}", participant.entry.title, round + 1);
                not_measured.push(NotMeasured { what, why });
            }
        }
    }
    let results = Results {
        revision: revision()?,
        machine,
        settings: Settings {
            users: args.users,
            connections: args.connections,
            seconds: args.seconds,
            rounds: args.rounds,
        },
        contestants: participants
            .into_iter()
            .map(|participant| participant.contestant)
            .collect(),
        not_measured,
    };
    keep(&results, args)?;
    Ok(results)
}

impl Bench<'_> {
    fn measure(&mut self, participant: &mut Participant, round: usize) -> Result<()> {
        self.postgres.tidy(participant.database.url())?;
        match participant.entry.family {
            Family::Pgbench => self.measure_pgbench(participant, round),
            Family::HyperConstant => self.measure_server(participant, &[("get", "constant")]),
            _ => self.measure_server(
                participant,
                &OPERATIONS.map(|(operation, _)| (operation, operation)),
            ),
        }
    }

    /// Every workload on one freshly started server; `operations` are pairs of workload and request.
    fn measure_server(
        &mut self,
        participant: &mut Participant,
        operations: &[(&str, &str)],
    ) -> Result<()> {
        let (server, token_file) = participant.start(self.args.users)?;
        participant
            .contestant
            .start_ms
            .push(server.start.as_secs_f64() * 1000.0);
        let target = Target {
            address: server.address,
            users: self.args.users,
            token_file: token_file.as_deref(),
            server: server.process(),
            postgres: Some(self.postgres.process),
        };
        let name = participant.entry.name;
        let (connections, seconds) = (self.args.connections, self.args.seconds);
        let closed = |operation, connections| Workload {
            operation,
            connections,
            rate: None,
            seconds,
            requests: None,
        };
        let get = operations[0].1;
        let mut found = Vec::new();
        for (workload, operation) in operations {
            found.push((
                *workload,
                self.load
                    .run(name, &target, closed(operation, connections))?,
            ));
        }
        let rate = Some(found[0].1.requests_per_second * SHARE_OF_PEAK);
        found.push((
            "get-open",
            self.load.run(
                name,
                &target,
                Workload {
                    rate,
                    ..closed(get, connections)
                },
            )?,
        ));
        found.push(("get-1", self.load.run(name, &target, closed(get, 1))?));
        found.push((
            "get-1000",
            self.load
                .run(name, &target, closed(get, MANY_CONNECTIONS))?,
        ));
        server.stop()?;
        for (workload, measurement) in found {
            note(&mut participant.contestant, workload, measurement);
        }
        Ok(())
    }

    fn measure_pgbench(&mut self, participant: &mut Participant, round: usize) -> Result<()> {
        let program = participant.program.path.display().to_string();
        let mut pgbench = Pgbench::new(
            &program,
            participant.database.url(),
            self.postgres.process,
            self.args.users,
            participant.runs,
        );
        for (operation, _) in OPERATIONS {
            if round == 0 {
                let tried: Vec<Measurement> = pgbench::CLIENTS
                    .iter()
                    .map(|clients| pgbench.run(operation, *clients, self.args.seconds))
                    .collect::<Result<_>>()?;
                let best = tried
                    .into_iter()
                    .max_by(|a, b| a.requests_per_second.total_cmp(&b.requests_per_second));
                let best = best.context("pgbench was not tried")?;
                participant.clients.insert(operation, best.connections);
                note(&mut participant.contestant, operation, best);
            } else {
                let clients = participant
                    .clients
                    .get(operation)
                    .copied()
                    .unwrap_or(pgbench::CLIENTS[0]);
                let measurement = pgbench.run(operation, clients, self.args.seconds)?;
                note(&mut participant.contestant, operation, measurement);
            }
        }
        participant.runs = pgbench.runs();
        let clients = OPERATIONS
            .map(|(operation, _)| format!("{operation} {}", participant.clients[operation]));
        participant.contestant.parts = format!(
            "its own CPU time stands in for the server's; best numbers of clients: {}",
            clients.join(", ")
        );
        Ok(())
    }
}

fn note(contestant: &mut Contestant, workload: &str, measurement: Measurement) {
    printing::eprintln!(
        "  {workload:9} {:>9}/s  CPU {:6.1} µs ({:.1} + {:.1})  p50 {:.0} µs  p99 {:.0} µs",
        table::thousands(measurement.requests_per_second),
        measurement.cpu_us(),
        measurement.server_cpu_us,
        measurement.postgres_cpu_us,
        measurement.p50_us,
        measurement.p99_us
    );
    contestant
        .rounds
        .entry(workload.to_owned())
        .or_default()
        .push(measurement);
}

fn keep(results: &Results, args: &BenchApiArgs) -> Result<()> {
    results.write(Path::new(RESULTS))?;
    let text = table::markdown(results);
    std::fs::write(Path::new(FOLDER).join("api.md"), &text)?;
    let folder = Path::new(if args.write { PICTURES } else { FOLDER });
    std::fs::create_dir_all(folder)?;
    let mut pictures = String::new();
    for (operation, title) in OPERATIONS {
        let title = format!("{title}: CPU time a request");
        if let Some(picture) = plot::cpu(results, operation, &title) {
            std::fs::write(folder.join(format!("{operation}.svg")), picture)?;
            let _ = writeln!(pictures, "\n![{title}](performance/{operation}.svg)");
        }
    }
    if args.write {
        page::replace("api", &format!("{text}{pictures}"))?;
        results.write(&Path::new(PICTURES).join("api.json"))?;
    }
    printing::println!("{text}");
    printing::eprintln!("results: {RESULTS}, {FOLDER}/api.md");
    Ok(())
}

/// The commit, and whether the working tree is modified.
fn revision() -> Result<String> {
    let commit = git::short_head()?;
    let changes = tool("git")
        .args(["status", "--porcelain", "--untracked-files=no"])
        .quiet()
        .output()?;
    Ok(format!(
        "{}{}",
        commit,
        if changes.is_empty() {
            ""
        } else {
            " with changes"
        }
    ))
}
