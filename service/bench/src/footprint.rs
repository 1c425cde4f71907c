//! `cargo xtask bench footprint`: the time from Roster's start to its first response, and its memory after many
//! requests.

use anyhow::Result;

use super::contestants::Family;
use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::machine::Machine;
use super::results::median;
use super::roster::{self, Roster};
use super::{page, programs, table};
use crate::cli::BenchFootprintArgs;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

const USERS: u64 = 10_000;
const CONNECTIONS: usize = 64;
/// The kinds of requests and their percentages.
const MIX: [(&str, u64); 4] = [("get", 60), ("list", 20), ("post", 10), ("put", 10)];
const MOST_START_MS: f64 = 50.0;
const MOST_RESIDENT_MB: f64 = 20.0;

/// Measures, and fails if a limit is exceeded.
pub(super) fn run(args: &BenchFootprintArgs) -> Result<()> {
    let program = programs::build(Family::Roster)?;
    let mut load = Load::new(programs::load()?);
    let postgres = BenchPostgres::start(&[])?;
    let machine = Machine::look(&postgres.version);
    let database = postgres.create("bench_footprint")?;
    roster::migrate(&program, database.url())?;
    postgres.seed(database.url(), USERS)?;
    let roster = Roster::prepare(&program, database.url())?;

    let mut starts = Vec::new();
    for _ in 0..args.starts {
        interrupt::check()?;
        let server = roster.serve()?;
        starts.push(server.start.as_secs_f64() * 1000.0);
        server.stop()?;
    }
    let slowest = starts.iter().copied().fold(0.0, f64::max);
    let start = median(starts).unwrap_or(f64::NAN);

    let server = roster.serve()?;
    let target = Target {
        address: server.address,
        users: USERS,
        token_file: Some(&roster.token_file),
        server: server.process(),
        postgres: Some(postgres.process),
    };
    let mut resident = f64::NAN;
    for (operation, share) in MIX {
        let workload = Workload {
            operation,
            connections: CONNECTIONS,
            rate: None,
            seconds: 600.0,
            requests: Some(args.requests * share / 100),
        };
        resident = load.run("roster", &target, workload)?.resident_bytes / 1e6;
    }
    server.stop()?;

    let text = format!(
        "{} × {}, PostgreSQL {}{}.\n\n| | measured | at most |\n|---|---:|---:|\n\
         | start to the first 200, PostgreSQL up: median of {} | {start:.1} ms | {MOST_START_MS} ms |\n\
         | the slowest of them | {slowest:.1} ms | |\n\
         | resident after {} requests over {CONNECTIONS} connections (60 % GET, 20 % lists, 10 % POST, 10 % PUT) | \
         {resident:.1} MB | {MOST_RESIDENT_MB} MB |\n",
        machine.cores,
        machine.processor,
        machine.postgres,
        machine.busy_note(),
        args.starts,
        table::count(args.requests),
    );
    printing::println!("{text}");
    if args.write {
        page::replace("footprint", &text)?;
    }
    if start <= MOST_START_MS && resident <= MOST_RESIDENT_MB {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        "Roster starts more slowly or uses more memory than allowed",
        format!("{start:.1} ms to the first response, {resident:.1} MB resident"),
        "starts are slower on a busy machine: run it again on a quiet one; memory does not depend on the load",
    )
    .into())
}
