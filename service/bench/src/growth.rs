//! `cargo xtask bench growth`: the cost of a request with a growing directory and number of connections.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::contestants::Family;
use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::machine::{Machine, memory_gib};
use super::results::{Measurement, in_the_middle};
use super::roster::{self, Roster};
use super::{page, programs, table};
use crate::cli::BenchGrowthArgs;

/// Numbers of connections at which reads are measured.
const CONNECTIONS: [usize; 5] = [1, 8, 64, 256, 1000];
const CALLS: [(&str, &str); 4] = [
    ("get", "GET by id"),
    ("list", "first page of 50"),
    ("post", "POST"),
    ("put", "PUT"),
];

/// Measures every size and every number of connections.
pub(super) fn run(args: &BenchGrowthArgs) -> Result<()> {
    let program = programs::build(Family::Roster)?;
    let mut load = Load::new(programs::load()?);
    // The starting value in PostgreSQL's manual: a quarter of the memory.
    let buffers = format!("{}MB", memory_gib() * 1024 / 4);
    let postgres = BenchPostgres::start(&[("shared_buffers", &buffers)])?;
    let mut text = heading(&postgres, args, &buffers);
    let mut by_connections = String::new();
    for (at, users) in args.users.iter().enumerate() {
        printing::eprintln!("seeding {users} users");
        let database = postgres.create("bench_growth")?;
        roster::migrate(&program, database.url())?;
        postgres.seed(database.url(), *users)?;
        postgres.warm(database.url())?;
        let roster = Roster::prepare(&program, database.url())?;
        let server = roster.serve()?;
        let target = Target {
            address: server.address,
            users: *users,
            token_file: Some(&roster.token_file),
            server: server.process(),
            postgres: Some(postgres.process),
        };
        let mut measure = |operation, connections| -> Result<Measurement> {
            let workload = Workload {
                operation,
                connections,
                rate: None,
                seconds: args.seconds,
                requests: None,
            };
            let rounds: Vec<_> = (0..args.rounds)
                .map(|_| load.run("roster", &target, workload))
                .collect::<Result<_>>()?;
            in_the_middle(rounds, Measurement::cpu_us).context("no round was measured")
        };
        let mut cells = Vec::new();
        for (operation, _) in CALLS {
            let found = measure(operation, 64)?;
            cells.push(format!(
                "{:.1} ({:.1} + {:.1})",
                found.cpu_us(),
                found.server_cpu_us,
                found.postgres_cpu_us
            ));
        }
        let _ = writeln!(text, "| {} | {} |", table::count(*users), cells.join(" | "));
        if at + 1 == args.users.len() {
            for connections in CONNECTIONS {
                by_connections.push_str(&row(connections, &measure("get", connections)?));
            }
        }
        server.stop()?;
    }
    let _ = write!(
        text,
        "\nGET by id as connections grow\n\n| connections | requests/s | CPU, µs | p50, µs | p99, µs | resident, MiB |\n\
         |---:|---:|---:|---:|---:|---:|\n{by_connections}"
    );
    printing::println!("{text}");
    if args.write {
        page::replace("growth", &text)?;
    }
    Ok(())
}

fn heading(postgres: &BenchPostgres, args: &BenchGrowthArgs, buffers: &str) -> String {
    let machine = Machine::look(&postgres.version);
    let busy = machine.busy_note();
    format!(
        "PostgreSQL {}, shared_buffers = {buffers}, into which users and ids were read before; medians of {} rounds of {} s{busy}.\n\nCPU time a request, µs: server + PostgreSQL, 64 connections\n\n\
         | users | {} |\n|---:|---:|---:|---:|---:|\n",
        machine.postgres,
        args.rounds,
        args.seconds,
        CALLS.map(|(_, title)| title).join(" | ")
    )
}

fn row(connections: usize, found: &Measurement) -> String {
    format!(
        "| {connections} | {} | {:.1} ({:.1} + {:.1}) | {} | {} | {:.1} |\n",
        table::thousands(found.requests_per_second),
        found.cpu_us(),
        found.server_cpu_us,
        found.postgres_cpu_us,
        table::thousands(found.p50_us),
        table::thousands(found.p99_us),
        found.resident_bytes / 1_048_576.0
    )
}
