//! `cargo xtask bench flamegraph`: a CPU profile of Roster under load, sampled by perf, drawn by inferno.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::database::BenchPostgres;
use super::load::{Load, Target, Workload};
use super::programs::{self, FOLDER, Program};
use super::roster::{self, Roster};
use crate::cli::BenchFlamegraphArgs;
use xtask::run_tool::tool;

const COLLAPSE: &str = "inferno-collapse-perf";
const DRAW: &str = "inferno-flamegraph";
/// Not a round number, so that samples do not synchronise with timers.
const SAMPLES_PER_SECOND: &str = "--freq=1999";

/// Loads, samples and draws.
pub(super) fn run(args: &BenchFlamegraphArgs) -> Result<()> {
    for name in ["perf", COLLAPSE, DRAW] {
        if !xtask::tools::is_installed(name) {
            return Err(xtask::tools::missing(name));
        }
    }
    let program = build()?;
    let mut load = Load::new(programs::load()?);
    let postgres = BenchPostgres::start(&[])?;
    let database = postgres.create("bench_flamegraph")?;
    roster::migrate(&program, database.url())?;
    postgres.seed(database.url(), args.users)?;
    let roster = Roster::prepare(&program, database.url())?;
    let server = roster.serve()?;
    let target = Target {
        address: server.address,
        users: args.users,
        token_file: Some(&roster.token_file),
        server: server.process(),
        postgres: Some(postgres.process),
    };
    let samples = Path::new(FOLDER).join("perf.data");
    let process = server.process().to_string();
    let seconds = args.seconds.to_string();
    let sampling = std::thread::spawn({
        let samples = samples.clone();
        move || {
            let command = tool("perf").args([
                "record",
                "--quiet",
                "--event=cpu-clock",
                "--call-graph=fp",
                SAMPLES_PER_SECOND,
            ]);
            command
                .arg("--output")
                .arg(samples)
                .arg("--pid")
                .arg(process)
                .args(["--", "sleep", &seconds])
                .output()
        }
    });
    let workload = Workload {
        operation: &args.operation,
        connections: args.connections,
        rate: None,
        seconds: args.seconds,
        requests: None,
    };
    let loaded = load.run("roster", &target, workload);
    sampling
        .join()
        .map_err(|_| anyhow::anyhow!("perf was not awaited"))??;
    let measurement = loaded?;
    server.stop()?;
    let picture = draw(&samples, &args.operation)?;
    printing::println!("{}", picture.display());
    printing::eprintln!(
        "{}/s, CPU {:.1} + {:.1} µs per request while sampled; open the graph in a browser",
        super::table::thousands(measurement.requests_per_second),
        measurement.server_cpu_us,
        measurement.postgres_cpu_us
    );
    Ok(())
}

/// As released, but with symbols and frame pointers, which perf needs to find callers.
fn build() -> Result<Program> {
    let target = std::path::absolute(FOLDER)?.join("profiling");
    let command = tool("cargo").args([
        "build",
        "--profile",
        "profiling",
        "--locked",
        "--package",
        "roster",
    ]);
    command
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "-Cforce-frame-pointers=yes")
        .run()?;
    Ok(Program {
        path: target.join("profiling/roster"),
        args: Vec::new(),
        folder: PathBuf::from("."),
        env: Vec::new(),
        is_one_file: true,
    })
}

fn draw(samples: &Path, operation: &str) -> Result<PathBuf> {
    let made = Path::new(FOLDER);
    let (stacks, folded) = (
        made.join("perf.stacks"),
        made.join(format!("{operation}.folded")),
    );
    let picture = made.join(format!("flamegraph-{operation}.svg"));
    std::fs::write(
        &stacks,
        tool("perf")
            .args(["script", "--input"])
            .arg(samples)
            .quiet()
            .output()?,
    )?;
    std::fs::write(&folded, tool(COLLAPSE).arg(&stacks).quiet().output()?)?;
    let title = format!("Roster: {operation}");
    std::fs::write(
        &picture,
        tool(DRAW)
            .arg("--title")
            .arg(title)
            .arg(&folded)
            .quiet()
            .output()?,
    )?;
    Ok(picture)
}
