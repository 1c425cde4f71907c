//! `cargo xtask bench`: how fast Roster is, beside its peers and the limits; whether it became slower.
//!
//! Here the command is told apart and results are compared. What is measured, and with what, is in `bench/`.

mod api;
pub(crate) mod capacity;
mod compare;
mod contestants;
mod database;
mod flamegraph;
mod footprint;
mod goals;
mod growth;
mod instructions;
mod list;
mod lists;
mod load;
mod machine;
mod overload;
mod page;
mod participants;
mod pgbench;
mod plans;
mod plot;
mod programs;
mod questions;
mod replicas;
mod results;
mod roster;
mod server;
mod table;
mod walk;

use std::path::Path;

use anyhow::Result;

pub(crate) use contestants::names as contestant_names;

use crate::cli::{BenchArgs, BenchCommand};
use crate::failure::{Failure, Kind};
use results::Results;

/// Runs one benchmark; compares its results, or the last ones, when asked.
pub(crate) fn run(args: BenchArgs) -> Result<()> {
    crate::interrupt::watch()?;
    match (args.command, args.compare) {
        (Some(BenchCommand::Api(api)), compare) => {
            let results = api::run(&api)?;
            compare.map_or(Ok(()), |earlier| compare::check(&Results::read(&earlier)?, &results))
        }
        (Some(_), Some(_)) => Err(Failure::new(
            Kind::Usage,
            "this benchmark cannot be compared with a file",
            "--compare holds results of `bench api` against each other",
            "leave --compare away, or use: cargo xtask bench --compare FILE api",
        )
        .into()),
        (Some(BenchCommand::List(list)), None) => list::run(&list),
        (Some(BenchCommand::Replicas(replicas)), None) => replicas::run(&replicas),
        (Some(BenchCommand::Capacity(capacity)), None) => capacity::run(&capacity),
        (Some(BenchCommand::Growth(growth)), None) => growth::run(&growth),
        (Some(BenchCommand::Footprint(footprint)), None) => footprint::run(&footprint),
        (Some(BenchCommand::Instructions(instructions)), None) => instructions::run(&instructions),
        (Some(BenchCommand::Flamegraph(flamegraph)), None) => flamegraph::run(&flamegraph),
        (Some(BenchCommand::Overload(overload)), None) => overload::run(&overload),
        (None, Some(earlier)) => {
            let latest = Path::new(api::RESULTS);
            compare::check(&Results::read(&earlier)?, &Results::read(latest)?)
        }
        (None, None) => Err(Failure::new(
            Kind::Usage,
            "nothing to measure was named",
            "`bench` alone only compares",
            "name a benchmark (cargo xtask bench --help), or two results: cargo xtask bench --compare FILE",
        )
        .into()),
    }
}
