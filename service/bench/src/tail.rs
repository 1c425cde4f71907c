//! `cargo xtask bench tail`: how slow the slowest responses are over minutes of a load that leaves room.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use bench_load::report::Report;

use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::machine::Machine;
use super::replicated::Replicated;
use super::server::Server;
use super::{curves, page, programs, table};
use crate::cli::BenchTailArgs;
use xtask::failure::{Failure, Kind};

/// The part of the peak that is asked for.
const SHARE: f64 = 0.7;
/// How the peak is found: the best of so many closed loops, of this many seconds and connections.
const PEAKS: usize = 3;
const PEAK_SECONDS: f64 = 3.0;
const PEAK_CONNECTIONS: usize = 64;
/// Connections of the open loop: more than requests are ever in progress, unless something stalls.
const CONNECTIONS: usize = 256;
const LONGEST_P99_MS: f64 = 10.0;
const SLOWEST_MS: f64 = 100.0;

/// The result of one contestant and kind of request.
struct Found {
    operation: String,
    title: String,
    peak: f64,
    report: Report,
}

pub(super) fn run(args: &BenchTailArgs) -> Result<()> {
    let mut load = Load::new(programs::load()?);
    let postgres = BenchPostgres::start(&[])?;
    let contestants = Replicated::builds(&args.against, args.users, &postgres)?;
    let mut all = Vec::new();
    for operation in &args.only {
        for contestant in &contestants {
            postgres.tidy(contestant.database.url())?;
            for server in contestant.serve(1)? {
                let found = measure(&mut load, &postgres, contestant, &server, (operation, args))?;
                printing::eprintln!("  {}", found.row().trim());
                all.push(found);
                server.stop()?;
            }
        }
    }
    let mut text = described(&Machine::look(&postgres.version), &all, args);
    if args.write {
        text.push_str(&pictures(&all, args)?);
        page::replace("tail", &text)?;
    }
    printing::println!("{text}");
    conclude(&all)
}

fn measure(
    load: &mut Load,
    postgres: &BenchPostgres,
    contestant: &Replicated,
    server: &Server,
    (operation, args): (&str, &BenchTailArgs),
) -> Result<Found> {
    let target = Target {
        address: server.address,
        users: args.users,
        token_file: contestant.token_file(),
        server: server.process(),
        postgres: Some(postgres.process),
    };
    let mut workload = Workload {
        operation,
        connections: PEAK_CONNECTIONS,
        rate: None,
        seconds: PEAK_SECONDS,
        requests: None,
    };
    let mut peak = 0.0_f64;
    for _ in 0..PEAKS {
        let report = load.report(&contestant.title, &target, workload)?;
        peak = peak.max(report.requests_per_second);
    }
    workload.connections = CONNECTIONS;
    workload.rate = Some(peak * SHARE);
    workload.seconds = args.seconds;
    Ok(Found {
        operation: operation.to_owned(),
        title: contestant.title.clone(),
        peak,
        report: load.report(&contestant.title, &target, workload)?,
    })
}

impl Found {
    fn row(&self) -> String {
        let latency = &self.report.latency_us;
        let ms = |us: f64| us / 1000.0;
        format!(
            "| {} | {} | {} | {} | {:.2} | {:.1} | {:.1} | {:.1} |\n",
            self.operation,
            self.title,
            table::thousands(self.peak),
            table::thousands(self.report.rate.unwrap_or(0.0)),
            ms(latency.p50),
            ms(latency.p99),
            ms(latency.p999),
            ms(latency.max),
        )
    }

    fn keeps_its_promise(&self) -> bool {
        let latency = &self.report.latency_us;
        latency.p99 < LONGEST_P99_MS * 1000.0 && latency.max < SLOWEST_MS * 1000.0
    }
}

fn described(machine: &Machine, all: &[Found], args: &BenchTailArgs) -> String {
    let busy = machine.busy_note();
    let mut text = format!(
        "PostgreSQL {}, {} users, {} s each at {:.0} % of the contestant's own peak, Poisson, {CONNECTIONS} connections{busy}. \
         Latency in ms, from when a request was due.\n\n\
         | call | | peak, requests/s | asked for, /s | p50 | p99 | p99.9 | slowest |\n|---|---|---:|---:|---:|---:|---:|---:|\n",
        machine.postgres,
        table::count(args.users),
        args.seconds,
        SHARE * 100.0
    );
    for found in all {
        let _ = write!(text, "{}", found.row());
    }
    text
}

/// A picture for each kind of request.
fn pictures(all: &[Found], args: &BenchTailArgs) -> Result<String> {
    let mut text = String::new();
    for operation in &args.only {
        let found: Vec<(&str, &[f64])> = all
            .iter()
            .filter(|found| found.operation == *operation)
            .map(|found| (&*found.title, &*found.report.curve_us))
            .collect();
        let title = format!("Latency of {operation} by percentile");
        let picture = curves::draw(&found, &title).context("nothing was measured")?;
        let file = format!("tail-{operation}.svg");
        std::fs::write(Path::new(page::PICTURES).join(&file), picture)?;
        let _ = writeln!(text, "\n![{title}](performance/{file})");
    }
    Ok(text)
}

fn conclude(all: &[Found]) -> Result<()> {
    let is_ours = |found: &&Found| found.title.starts_with("**");
    let broken: Vec<String> = all
        .iter()
        .filter(is_ours)
        .filter(|found| !found.keeps_its_promise())
        .map(|found| found.row().trim().to_owned())
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    let next = "look at what PostgreSQL did at that time (checkpoints, autovacuum, pending lists), and run it on a quiet machine";
    Err(Failure::new(
        Kind::Check,
        "the slowest responses miss their goal",
        broken.join("\n"),
        next,
    )
    .into())
}
