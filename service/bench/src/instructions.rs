//! `cargo xtask bench instructions`: instructions per request on each hot path, counted by callgrind.
//!
//! One connection, so that batching does not affect the counts; only Roster is counted, not the kernel.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::contestants::Family;
use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::machine::Machine;
use super::programs::{self, FOLDER, Program};
use super::roster::{self, Roster};
use super::server::{Question, Server};
use super::table;
use crate::cli::BenchInstructionsArgs;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

const RECORDED: &str = "service/bench/instructions.json";
/// How long the first requests of a kind may have effects in the background, under callgrind.
const SETTLING: Duration = Duration::from_secs(5);
const USERS: u64 = 1000;
const PATHS: [&str; 4] = ["get", "post", "put", "list"];

/// Under callgrind everything takes some fifty times as long, a handshake with the database as well; no clock may decide.
const PATIENT: [&str; 4] = [
    "--connect-timeout-ms",
    "60000",
    "--database-timeout-ms",
    "60000",
];

/// Instructions per request by path, and the compiler.
#[derive(Debug, Serialize, Deserialize)]
struct Counts {
    compiler: String,
    instructions: BTreeMap<String, u64>,
}

/// Counts, then records or compares.
pub(super) fn run(args: &BenchInstructionsArgs) -> Result<()> {
    let counted = count(args.requests)?;
    if args.record {
        std::fs::write(RECORDED, serde_json::to_string_pretty(&counted)? + "\n")?;
        for (path, instructions) in &counted.instructions {
            printing::println!(
                "{path}: {} instructions per request",
                table::count(*instructions)
            );
        }
        printing::eprintln!("recorded: {RECORDED}");
        return Ok(());
    }
    let text = std::fs::read_to_string(RECORDED)
        .with_context(|| format!("cannot read {RECORDED}; create it with --record"))?;
    let recorded: Counts = serde_json::from_str(&text)
        .with_context(|| format!("{RECORDED} is invalid; recreate it with --record"))?;
    compare(&recorded, &counted, args.tolerance)
}

fn compare(recorded: &Counts, counted: &Counts, tolerance: f64) -> Result<()> {
    if recorded.compiler != counted.compiler {
        printing::eprintln!(
            "recorded with {}, counted with {}: differences may be due to the compiler",
            recorded.compiler,
            counted.compiler
        );
    }
    let mut grown = Vec::new();
    for (path, now) in &counted.instructions {
        let Some(before) = recorded.instructions.get(path) else {
            grown.push(format!("{path} has never been recorded"));
            continue;
        };
        let growth = growth_percent(*before, *now);
        let line = format!(
            "{path}: {} → {} instructions per request ({growth:+.1} %)",
            table::count(*before),
            table::count(*now)
        );
        printing::println!("{line}");
        if growth > tolerance {
            grown.push(line);
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!("a hot path takes more than {tolerance} % more instructions than recorded"),
        grown.join("\n"),
        "find the cause: cargo xtask bench flamegraph; if the increase is justified: cargo xtask \
            bench instructions --record, with the reason in the commit",
    )
    .into())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn growth_percent(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

fn count(requests: u64) -> Result<Counts> {
    for name in ["valgrind", "callgrind_control"] {
        if !xtask::tools::is_installed(name) {
            return Err(xtask::tools::missing("valgrind"));
        }
    }
    let program = programs::build(Family::Roster)?;
    let mut load = Load::new(programs::load()?);
    let postgres = BenchPostgres::start(&[])?;
    let database = postgres.create("bench_instructions")?;
    roster::migrate(&program, database.url())?;
    postgres.seed(database.url(), USERS)?;
    let roster = Roster::prepare(&program, database.url())?;
    let token_file = Some(roster.token_file.as_path());
    let mut launch = roster.launch("roster", Question::for_a_user(token_file)?)?;
    launch.args.extend(PATIENT.map(str::to_owned));
    let server = Server::start("roster-callgrind", &under_callgrind(&program)?, &launch)?;
    let target = Target {
        address: server.address,
        users: USERS,
        token_file,
        server: server.process(),
        postgres: None,
    };
    let mut instructions = BTreeMap::new();
    for operation in PATHS {
        let workload = |requests| Workload {
            operation,
            connections: 1,
            rate: None,
            seconds: 0.0,
            requests: Some(requests),
        };
        // One-time work (a connection, a prepared statement) is not counted.
        load.run("roster under callgrind", &target, workload(50))?;
        // What the first of a kind sets off is not a request's: the connection on which the search index is tidied costs
        // as much as 400 of them, for its password.
        std::thread::sleep(SETTLING);
        control(server.process(), "--zero")?;
        load.run("roster under callgrind", &target, workload(requests))?;
        control(server.process(), &format!("--dump={operation}"))?;
        instructions.insert(
            operation.to_owned(),
            counted_in(&dump_of(operation)?)? / requests,
        );
    }
    server.stop()?;
    Ok(Counts {
        compiler: Machine::look(&postgres.version).compiler,
        instructions,
    })
}

/// The program under valgrind; its dumps go to a separate directory.
fn under_callgrind(program: &Program) -> Result<Program> {
    let folder = std::path::absolute(FOLDER)?.join("callgrind");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let args = vec![
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={}", folder.join("out").display()),
        program.path.display().to_string(),
    ];
    Ok(Program {
        path: "valgrind".into(),
        args,
        ..program.clone()
    })
}

fn control(process: u32, what: &str) -> Result<()> {
    tool("callgrind_control")
        .arg(what)
        .arg(process.to_string())
        .quiet()
        .output()
        .map(drop)
}

/// The dump for this path.
fn dump_of(operation: &str) -> Result<PathBuf> {
    let trigger = format!("desc: Trigger: {operation}");
    for entry in std::fs::read_dir(Path::new(FOLDER).join("callgrind"))? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.lines().take(30).any(|line| {
            line.contains(&trigger)
                || line.ends_with(operation) && line.starts_with("desc: Trigger")
        }) {
            return Ok(path);
        }
    }
    anyhow::bail!("callgrind made no dump for {operation}")
}

fn counted_in(dump: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(dump)?;
    total(&text).with_context(|| format!("{} contains no total", dump.display()))
}

fn total(dump: &str) -> Option<u64> {
    let line = dump.lines().find_map(|line| {
        line.strip_prefix("summary:")
            .or_else(|| line.strip_prefix("totals:"))
    })?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Counts, compare, total};

    fn counts(get: u64) -> Counts {
        Counts {
            compiler: "rustc".to_owned(),
            instructions: BTreeMap::from([("get".to_owned(), get)]),
        }
    }

    #[test]
    fn growth_beyond_the_tolerance_is_a_failure() {
        assert!(compare(&counts(1000), &counts(1029), 3.0).is_ok());
        assert!(compare(&counts(1000), &counts(1031), 3.0).is_err());
        assert!(compare(&counts(1000), &counts(500), 3.0).is_ok());
    }

    #[test]
    fn a_path_that_was_never_recorded_is_a_failure() {
        let recorded = Counts {
            compiler: String::new(),
            instructions: BTreeMap::new(),
        };
        assert!(compare(&recorded, &counts(1), 3.0).is_err());
    }

    #[test]
    fn the_total_stands_in_the_dump() {
        assert_eq!(total("events: Ir\nsummary: 12345\n\nfl=x\n"), Some(12345));
        assert_eq!(total("events: Ir\n"), None);
    }
}
