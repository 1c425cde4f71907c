//! `cargo xtask bench replicas`: the cost of a request with a growing number of replicas on one PostgreSQL, beside peers and
//! other builds of Roster.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::machine::Machine;
use super::replicated::Replicated;
use super::results::{Measurement, in_the_middle};
use super::server::Server;
use super::{capacity, page, programs, table};
use crate::cli::BenchReplicasArgs;

const CALLS: [(&str, &str); 5] = [
    ("get", "GET by id"),
    ("list", "first page of 50"),
    ("post", "POST"),
    ("put", "PUT"),
    ("retitle", "PUT of another title"),
];

/// The result of all replicas together.
#[derive(Clone, Copy)]
struct Together {
    requests_per_second: f64,
    server_cpu_us: f64,
    postgres_cpu_us: f64,
    p99_us: f64,
    resident_mib: f64,
}

impl Together {
    fn cpu_us(&self) -> f64 {
        self.server_cpu_us + self.postgres_cpu_us
    }
}

/// What was measured of one contestant: rounds by call and number of replicas.
type Rounds = BTreeMap<(&'static str, u64), Vec<Together>>;

/// Measures every number of replicas of every contestant; rounds are interleaved.
pub(super) fn run(args: &BenchReplicasArgs) -> Result<()> {
    let load = programs::load()?;
    let postgres = BenchPostgres::start(&[])?;
    let mut contestants = Replicated::builds(&args.against, args.users, &postgres)?;
    contestants.extend(Replicated::peers(&args.peers, args.users, &postgres)?);
    let roster = contestants.first().context("Roster was not built")?;
    let a_user = bytes_a_row(&postgres, roster.database.url(), "users")?;
    let mut measured = vec![Rounds::new(); contestants.len()];
    for replicas in &args.replicas {
        for round in 1..=args.rounds {
            for (contestant, rounds) in contestants.iter().zip(&mut measured) {
                let servers = contestant.serve(*replicas)?;
                for (operation, _) in calls(args) {
                    let found =
                        one_round(&servers, &load, contestant, &postgres, (operation, args))?;
                    rounds
                        .entry((operation, *replicas))
                        .or_default()
                        .push(found);
                }
                for server in servers {
                    server.stop()?;
                }
                postgres.tidy(contestant.database.url())?;
            }
            printing::eprintln!(
                "{replicas} replica(s): round {round} of {} measured",
                args.rounds
            );
        }
    }
    let mut text = heading(&postgres, args);
    for (contestant, rounds) in contestants.iter().zip(&measured) {
        text.push_str(&rows(&contestant.title, rounds, args)?);
    }
    let a_change = bytes_a_row(&postgres, roster.database.url(), "user_changes")?;
    let _ = write!(
        text,
        "\nA user takes {a_user:.0} bytes of disk, a change that is kept {a_change:.0}, indexes included."
    );
    printing::println!("{text}");
    if args.write {
        capacity::keep_sizes(a_user, a_change)?;
        page::replace("replicas", &text)?;
    }
    Ok(())
}

/// The calls that are measured.
fn calls(args: &BenchReplicasArgs) -> impl Iterator<Item = (&'static str, &'static str)> {
    CALLS
        .into_iter()
        .filter(|(operation, _)| args.only.iter().any(|only| only == operation))
}

/// The rows of one contestant, and how much the last number of replicas costs beside the first.
fn rows(title: &str, rounds: &Rounds, args: &BenchReplicasArgs) -> Result<String> {
    let mut text = String::new();
    let mut ends: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for replicas in &args.replicas {
        let _ = write!(text, "| {title} | {replicas} |");
        for (operation, _) in calls(args) {
            let rounds = rounds.get(&(operation, *replicas)).into_iter().flatten();
            let found = in_the_middle(rounds.copied(), Together::cpu_us)
                .context("no round was measured")?;
            let _ = write!(text, " {} |", cell(&found));
            let ends = ends.entry(operation).or_insert([found.cpu_us(); 2]);
            ends[1] = found.cpu_us();
        }
        text.push('\n');
    }
    if let [first, .., last] = args.replicas.as_slice() {
        let _ = write!(text, "| {title} | {last} ÷ {first} |");
        for (operation, _) in calls(args) {
            let ratio = ends
                .get(operation)
                .map_or(f64::NAN, |[first, last]| last / first);
            let _ = write!(text, " **{ratio:.2}** |");
        }
        text.push('\n');
    }
    Ok(text)
}

/// The size of a table's row on disk, including its share of the indexes.
fn bytes_a_row(postgres: &BenchPostgres, url: &str, of: &str) -> Result<f64> {
    let query = format!(
        "SELECT (pg_total_relation_size('{of}')::float8 / greatest(count(*), 1))::text FROM {of}"
    );
    let found = postgres.texts(url, &query)?;
    found
        .first()
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("PostgreSQL did not return the size of {of}"))
}

/// The load on all replicas at once, each with its share of the connections.
fn one_round(
    servers: &[Server],
    load: &std::path::Path,
    contestant: &Replicated,
    postgres: &BenchPostgres,
    (operation, args): (&'static str, &BenchReplicasArgs),
) -> Result<Together> {
    let workload = Workload {
        operation,
        connections: (args.connections / servers.len()).max(1),
        rate: None,
        seconds: args.seconds,
        requests: None,
    };
    let found: Vec<Measurement> = std::thread::scope(|scope| {
        let threads: Vec<_> = servers
            .iter()
            .enumerate()
            .map(|(number, server)| {
                let target = Target {
                    address: server.address,
                    users: args.users,
                    token_file: contestant.token_file(),
                    server: server.process(),
                    postgres: Some(postgres.process),
                };
                // Concurrent loads are distinguished by their number.
                let mut load = Load::numbered(load.to_owned(), number);
                scope.spawn(move || load.run(&format!("roster-{number}"), &target, workload))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a load panicked"))?
            })
            .collect::<Result<_>>()
    })?;
    Ok(together(&found))
}

/// Each load accounts its own replica and all of PostgreSQL.
fn together(found: &[Measurement]) -> Together {
    let sum = |of: fn(&Measurement) -> f64| found.iter().map(of).sum::<f64>();
    let requests_per_second = sum(|m| m.requests_per_second);
    let cpu = |of: fn(&Measurement) -> f64| {
        found
            .iter()
            .map(|m| of(m) * m.requests_per_second)
            .sum::<f64>()
    };
    #[expect(clippy::cast_precision_loss, reason = "a handful of replicas")]
    let count = found.len() as f64;
    Together {
        requests_per_second,
        server_cpu_us: cpu(|m| m.server_cpu_us) / requests_per_second,
        postgres_cpu_us: cpu(|m| m.postgres_cpu_us) / count / requests_per_second,
        p99_us: found.iter().map(|m| m.p99_us).fold(0.0, f64::max),
        resident_mib: sum(|m| m.resident_bytes) / count / 1_048_576.0,
    }
}

fn heading(postgres: &BenchPostgres, args: &BenchReplicasArgs) -> String {
    let machine = Machine::look(&postgres.version);
    let busy = machine.busy_note();
    format!(
        "PostgreSQL {}, {} users, medians of {} rounds of {} s, interleaved{busy}. {} connections, divided among the replicas. Load, \
         replicas and PostgreSQL share the same cores: more replicas show what they cost, not how much more they could do.\n\n\
         CPU time a request, µs: replicas + PostgreSQL; requests a second, p99, memory of a replica\n\n\
         | | replicas | {} |\n|---|---:|{}\n",
        machine.postgres,
        table::count(args.users),
        args.rounds,
        args.seconds,
        args.connections,
        calls(args)
            .map(|(_, title)| title)
            .collect::<Vec<_>>()
            .join(" | "),
        "---:|".repeat(calls(args).count())
    )
}

fn cell(found: &Together) -> String {
    format!(
        "{:.1} ({:.1} + {:.1}), {}/s, {} µs, {:.0} MiB",
        found.server_cpu_us + found.postgres_cpu_us,
        found.server_cpu_us,
        found.postgres_cpu_us,
        table::thousands(found.requests_per_second),
        table::thousands(found.p99_us),
        found.resident_mib
    )
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::measurement;
    use super::together;

    #[test]
    fn postgresql_is_counted_once_however_many_loads_saw_it() {
        // Two replicas with 10,000 requests per second each; each load divided all of PostgreSQL's time by its own
        // requests.
        let mut one = measurement(30.0, 40.0);
        one.requests_per_second = 10_000.0;
        let all = together(&[one.clone(), one]);
        assert!((all.requests_per_second - 20_000.0).abs() < 1e-6);
        assert!((all.server_cpu_us - 30.0).abs() < 1e-9);
        assert!((all.postgres_cpu_us - 20.0).abs() < 1e-9);
    }
}
