//! `cargo xtask bench replicas`: the cost of a request with a growing number of replicas on one PostgreSQL.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::contestants::Family;
use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::machine::Machine;
use super::results::{Measurement, in_the_middle};
use super::roster::{self, Roster};
use super::server::Server;
use super::{capacity, page, programs, table};
use crate::cli::BenchReplicasArgs;

/// Connections of the whole load, divided among the replicas.
const CONNECTIONS: usize = 64;
const CALLS: [(&str, &str); 4] = [
    ("get", "GET by id"),
    ("list", "first page of 50"),
    ("post", "POST"),
    ("put", "PUT"),
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

/// Measures every number of replicas.
pub(super) fn run(args: &BenchReplicasArgs) -> Result<()> {
    let program = programs::build(Family::Roster)?;
    let load = programs::load()?;
    let postgres = BenchPostgres::start(&[])?;
    let database = postgres.create("bench_replicas")?;
    roster::migrate(&program, database.url())?;
    postgres.seed(database.url(), args.users)?;
    let a_user = bytes_a_row(&postgres, database.url(), "users")?;
    let roster = Roster::prepare(&program, database.url())?;
    let mut text = heading(&postgres, args);
    for replicas in &args.replicas {
        let servers: Vec<Server> = (0..*replicas)
            .map(|number| roster.serve_as(&format!("roster-{number}")))
            .collect::<Result<_>>()?;
        let mut cells = Vec::new();
        for (operation, _) in CALLS {
            let mut rounds = Vec::new();
            for _ in 0..args.rounds {
                rounds.push(one_round(
                    &servers,
                    &load,
                    &roster,
                    &postgres,
                    (operation, args),
                )?);
            }
            postgres.tidy(database.url())?;
            let cpu = |round: &Together| round.server_cpu_us + round.postgres_cpu_us;
            let found = in_the_middle(rounds, cpu).context("no round was measured")?;
            cells.push(cell(&found));
        }
        for server in servers {
            server.stop()?;
        }
        let _ = writeln!(text, "| {replicas} | {} |", cells.join(" | "));
        printing::eprintln!("{replicas} replica(s) measured");
    }
    let a_change = bytes_a_row(&postgres, database.url(), "user_changes")?;
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
    roster: &Roster,
    postgres: &BenchPostgres,
    (operation, args): (&str, &BenchReplicasArgs),
) -> Result<Together> {
    let workload = Workload {
        operation,
        connections: (CONNECTIONS / servers.len()).max(1),
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
                    token_file: Some(&roster.token_file),
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
        "PostgreSQL {}, {} users, medians of {} rounds of {} s{busy}. {CONNECTIONS} connections, divided among the replicas. Load, \
         replicas and PostgreSQL share the same cores: more replicas show what they cost, not how much more they could do.\n\n\
         CPU time a request, µs: replicas + PostgreSQL; requests a second, p99, memory of a replica\n\n\
         | replicas | {} |\n|---:|---:|---:|---:|---:|\n",
        machine.postgres,
        table::count(args.users),
        args.rounds,
        args.seconds,
        CALLS.map(|(_, title)| title).join(" | ")
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
