//! `cargo xtask bench`: how fast Roster is, beside its peers and the limits; whether it became slower.
//!
//! Here the command is told apart and results are compared. What is measured, and with what, is in `bench/`.

use std::path::Path;

use anyhow::Result;

use crate::cli::{BenchArgs, BenchCommand};
use crate::results::Results;
use crate::{
    api, capacity, compare, flamegraph, footprint, growth, instructions, list, overload, replicas,
};
use xtask::failure::{Failure, Kind};

/// Runs one benchmark; compares its results, or the last ones, when asked.
pub(crate) fn run(args: BenchArgs) -> Result<()> {
    xtask::interrupt::watch()?;
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
