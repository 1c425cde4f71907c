//! `cargo xtask bench overload`: throughput and latency at four times the sustainable load.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bench_load::report::Report;

use super::contestants::Family;
use super::database::BenchPostgres;
use super::machine::Machine;
use super::programs::{self, Program};
use super::results::in_the_middle;
use super::roster::{self, Roster};
use super::server::Server;
use super::{page, table};
use crate::cli::BenchOverloadArgs;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::tool;

/// The factor above the peak.
const TIMES: f64 = 4.0;
/// Numbers of connections to find the peak with.
const CLOSED: [usize; 3] = [16, 64, 128];
const LEAST_GOODPUT: f64 = 0.8;
const LONGEST_P99_MS: f64 = 250.0;

/// The assignment of processors.
struct Processors {
    /// Of Roster and PostgreSQL, as `taskset` reads them.
    served: String,
    /// Of the load generator.
    load: String,
}

struct Bench<'a> {
    args: &'a BenchOverloadArgs,
    load: PathBuf,
    processors: Processors,
    server: &'a Server,
    roster: &'a Roster,
    runs: u64,
}

/// The result of one kind of request.
struct Found {
    operation: String,
    peak: f64,
    report: Report,
}

pub(super) fn run(args: &BenchOverloadArgs) -> Result<()> {
    let processors = Processors::share_out()?;
    let program = programs::build(Family::Roster)?;
    let load = programs::load()?;
    let postgres = BenchPostgres::start(&[])?;
    pin(postgres.process, &processors.served)?;
    let database = postgres.create("bench_overload")?;
    roster::migrate(&program, database.url())?;
    printing::eprintln!("seeding {} users", args.users);
    postgres.seed(database.url(), args.users)?;
    let roster = Roster::prepare(&pinned(&program, &processors.served), database.url())?
        .with_default_queue();
    let server = roster.serve()?;
    let mut bench = Bench {
        args,
        load,
        processors,
        server: &server,
        roster: &roster,
        runs: 0,
    };
    let mut all = Vec::new();
    for operation in &args.only {
        let mut rounds = Vec::new();
        for _ in 0..args.rounds {
            postgres.tidy(database.url())?;
            rounds.push(bench.measure(operation)?);
        }
        // Peak and overload are measured within the same minute, so that noise has little effect.
        all.push(in_the_middle(rounds, Found::goodput).context("no round was measured")?);
    }
    server.stop()?;
    let text = described(&Machine::look(&postgres.version), &all, args);
    printing::println!("{text}");
    if args.write {
        page::replace("overload", &text)?;
    }
    conclude(&all)
}

impl Bench<'_> {
    fn measure(&mut self, operation: &str) -> Result<Found> {
        let mut peak = 0.0_f64;
        for connections in CLOSED {
            let report = self.run(operation, connections, None)?;
            peak = peak.max(report.requests_per_second);
        }
        let report = self.run(operation, self.args.connections, Some(peak * TIMES))?;
        let found = Found {
            operation: operation.to_owned(),
            peak,
            report,
        };
        printing::eprintln!("  {}", found.row().trim());
        Ok(found)
    }

    fn run(&mut self, operation: &str, connections: usize, rate: Option<f64>) -> Result<Report> {
        interrupt::check()?;
        self.runs += 1;
        let users = self.args.users.to_string();
        let mut command = tool("taskset").quiet().args(["-c", &self.processors.load]);
        command = command.arg(&self.load);
        for (flag, value) in [
            ("--address", self.server.address.to_string()),
            ("--operation", operation.to_owned()),
            ("--connections", connections.to_string()),
            ("--seconds", self.args.seconds.to_string()),
            ("--warm-up", "2".to_owned()),
            ("--users", users),
            ("--tag", format!("{}-{}", std::process::id(), self.runs)),
            ("--seed", self.runs.to_string()),
            ("--token-file", self.roster.token_file.display().to_string()),
            ("--watch", format!("server={}", self.server.process())),
        ] {
            command = command.arg(flag).arg(value);
        }
        if let Some(rate) = rate {
            command = command.args(["--shedding", "--rate", &rate.to_string()]);
        }
        let outcome = command.outcome()?;
        let line = String::from_utf8_lossy(&outcome.stdout);
        let report: Report = serde_json::from_str(&line).with_context(|| {
            let words = String::from_utf8_lossy(&outcome.stderr);
            format!("the load generator did not report: {words}")
        })?;
        if report.wrong_answers > 0 {
            return Err(Failure::new(
                Kind::Check,
                format!(
                    "{} responses to `{operation}` were wrong",
                    report.wrong_answers
                ),
                report.first_wrong_answer.unwrap_or_default(),
                "under overload, a request must get a correct response or 503",
            )
            .into());
        }
        Ok(report)
    }
}

impl Found {
    fn goodput(&self) -> f64 {
        self.report.requests_per_second / self.peak
    }

    fn p99_ms(&self) -> f64 {
        let sent = self.report.sent_latency_us.as_ref();
        sent.map_or(f64::NAN, |latency| latency.p99 / 1000.0)
    }

    fn keeps_its_promise(&self) -> bool {
        self.goodput() > LEAST_GOODPUT && self.p99_ms() < LONGEST_P99_MS
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn row(&self) -> String {
        let sent = self.report.sent_latency_us.as_ref();
        format!(
            "| {} | {} | {} | {} | {:.0} % | {} | {:.0} | {:.0} |\n",
            self.operation,
            table::thousands(self.peak),
            table::thousands(self.report.rate.unwrap_or(0.0)),
            table::thousands(self.report.requests_per_second),
            self.goodput() * 100.0,
            table::thousands(self.report.shed as f64 / self.report.seconds),
            sent.map_or(f64::NAN, |latency| latency.p50 / 1000.0),
            self.p99_ms(),
        )
    }
}

fn described(machine: &Machine, all: &[Found], args: &BenchOverloadArgs) -> String {
    let busy = machine.busy_note();
    let mut text = format!(
        "{} users, median of {} rounds of {} s each, {} connections; the load generator on its own \
            processor{busy}.\n\n| call | peak, requests/s | asked for, /s | served, /s | of the peak | \
            rejected, /s | p50, ms | p99, ms |\n|---|---:|---:|---:|---:|---:|---:|---:|\n",
        table::count(args.users),
        args.rounds,
        args.seconds,
        args.connections
    );
    for found in all {
        let _ = write!(text, "{}", found.row());
    }
    text.push_str("\nLatencies are those of the accepted requests, from when each was sent.\n");
    text
}

fn conclude(all: &[Found]) -> Result<()> {
    let broken: Vec<_> = all
        .iter()
        .filter(|found| !found.keeps_its_promise())
        .map(|found| found.row().trim().to_owned())
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    let next = "look at http/edge/concurrency_limit.rs and --queue-target-ms, and at where the time goes: cargo xtask bench flamegraph";
    Err(Failure::new(
        Kind::Check,
        "Roster misses its goal under overload",
        broken.join("\n"),
        next,
    )
    .into())
}

impl Processors {
    /// The last processor is for the load generator, the others are for the contestant.
    fn share_out() -> Result<Self> {
        let count = std::thread::available_parallelism()?.get();
        if count < 2 {
            return Err(Failure::new(
                Kind::Missing,
                "the load generator needs its own processor",
                "this machine has one",
                "run it on a machine with two or more",
            )
            .into());
        }
        let served = match count {
            2 => "0".to_owned(),
            more => format!("0-{}", more - 2),
        };
        Ok(Self {
            served,
            load: (count - 1).to_string(),
        })
    }
}

/// The program, pinned to these processors.
fn pinned(program: &Program, processors: &str) -> Program {
    let mut args = vec![
        "-c".to_owned(),
        processors.to_owned(),
        program.path.display().to_string(),
    ];
    args.extend(program.args.clone());
    Program {
        path: PathBuf::from("taskset"),
        args,
        is_one_file: false,
        ..program.clone()
    }
}

/// Pins a process, and everything it starts from now on, to these processors.
fn pin(process: u32, processors: &str) -> Result<()> {
    tool("taskset")
        .quiet()
        .args(["--all-tasks", "--cpu-list", "--pid", processors])
        .arg(process.to_string())
        .output()
        .map(drop)
}
