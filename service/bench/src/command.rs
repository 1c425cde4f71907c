//! `cargo xtask bench`: how fast Roster is compared with its peers and the limits, and whether it became slower.
//!
//! This dispatches the command and compares results. The measurements are in `bench/`.

use std::path::Path;

use anyhow::Result;

use crate::cli::{BenchArgs, BenchCommand};
use crate::results::Results;
use crate::{
    api, bulk, capacity, compare, database, flamegraph, footprint, growth, instructions, list,
    overload, replicas, scim,
};
use xtask::failure::{Failure, Kind};

/// Runs one benchmark; compares its results, or the last ones, if requested.
pub(crate) fn run(args: BenchArgs) -> Result<()> {
    xtask::interrupt::watch()?;
    if let Some(choice) = args.postgres {
        database::choose(choice)?;
    }
    match (args.command, args.compare) {
        (Some(BenchCommand::Api(api)), compare) => {
            let results = api::run(&api)?;
            compare.map_or(Ok(()), |earlier| {
                compare::check(&Results::read(&earlier)?, &results)
            })
        }
        (Some(_), Some(_)) => Err(Failure::new(
            Kind::Usage,
            "this benchmark cannot be compared with a file",
            "--compare compares results of `bench api`",
            "remove --compare, or use: cargo xtask bench --compare FILE api",
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
        (Some(BenchCommand::Scim(args)), None) => scim::run(&args),
        (Some(BenchCommand::Bulk(args)), None) => bulk::run(&args),
        (None, Some(earlier)) => {
            let latest = Path::new(api::RESULTS);
            compare::check(&Results::read(&earlier)?, &Results::read(latest)?)
        }
        (None, None) => Err(Failure::new(
            Kind::Usage,
            "no benchmark was given",
            "`bench` without a benchmark only compares",
            "give a benchmark (cargo xtask bench --help), or a result to compare with: cargo xtask \
                bench --compare FILE",
        )
        .into()),
    }
}
