//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The commands of this program, as `cargo xtask` shows them.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 110
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Bench(BenchArgs),
    /// Check one area: a step of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["capacity"])]
        area: String,
    },
}

/// Measure Roster: beside its peers and the limits, over a million users, instruction by instruction.
///
/// Everything runs on a private PostgreSQL and on this machine alone; Linux is needed, because CPU time is accounted
/// from /proc. Results are kept in target/bench. Without a benchmark, --compare holds the last results of `bench api`
/// against those in FILE and fails when Roster's CPU time a request grew by more than 5 %.
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BenchCommand>,
    /// Results of an earlier `bench api` to compare with, corrected for the machine by the bare hyper of both runs
    #[arg(long, value_name = "FILE")]
    pub(crate) compare: Option<PathBuf>,
}

/// The benchmarks.
#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    Api(BenchApiArgs),
    List(BenchListArgs),
    Growth(BenchGrowthArgs),
    Footprint(BenchFootprintArgs),
    Replicas(BenchReplicasArgs),
    Capacity(BenchCapacityArgs),
    Instructions(BenchInstructionsArgs),
    Flamegraph(BenchFlamegraphArgs),
    Overload(BenchOverloadArgs),
}

/// CPU time a request, throughput, latency, memory and start of Roster, its peers and the limits, in one run.
///
/// Each round starts every contestant afresh on its own copy of one database; rounds are interleaved and medians taken.
/// Every answer is checked. A peer whose tools are missing on this machine is named as not measured.
#[derive(Args)]
pub(crate) struct BenchApiArgs {
    /// Users in each database
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: u64,
    /// Connections of the load
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) connections: usize,
    /// How long each figure is measured, in seconds
    #[arg(long, default_value_t = 3.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds, of which the medians are taken
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) rounds: usize,
    /// Measure these alone
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = clap::builder::PossibleValuesParser::new(crate::contestants::names()))]
    pub(crate) only: Vec<String>,
    /// Put tables and pictures into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Lists and searches over many users: a deep page beside the first, every search, the plan of every filter and sort.
///
/// Fails when a page far down costs more than 1.5 times the first, a search takes 50 ms, or PostgreSQL reads the whole
/// table for any accepted filter or sort. Plans are those of the statements that Roster really sent, as `auto_explain` logs them.
/// Then walks through another directory by `next` while a twentieth of it is deleted and as many are inserted: fails when a
/// user that existed throughout is missed, or anybody is seen twice.
#[derive(Args)]
pub(crate) struct BenchListArgs {
    /// Users in the database
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    pub(crate) users: u64,
    /// The page that is held against the first, of 50 users each
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) page: u64,
    /// Users in the directory that is walked through while it changes
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=10_000_000))]
    pub(crate) walk_users: u64,
    /// Put the tables into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// From the start to the first answer, and memory after many requests; fails beyond 50 ms or 20 MB.
#[derive(Args)]
pub(crate) struct BenchFootprintArgs {
    /// Starts, of which the median is taken
    #[arg(long, default_value_t = 21, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=999))]
    pub(crate) starts: u64,
    /// Requests before memory is looked at
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    pub(crate) requests: u64,
    /// Put the table into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// What a request costs as users and connections grow: each call at every size, GET at 1 to 1,000 connections.
#[derive(Args)]
pub(crate) struct BenchGrowthArgs {
    /// Numbers of users; connections are varied at the last. Ten million take some 20 GB and a quarter of an hour
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000, 10_000_000], value_name = "N,N,…", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: Vec<u64>,
    /// How long each figure is measured, in seconds
    #[arg(long, default_value_t = 2.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds, of which the medians are taken
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Put the tables into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// What a request costs as one PostgreSQL serves more and more replicas of Roster, each with its share of the load.
#[derive(Args)]
pub(crate) struct BenchReplicasArgs {
    /// Numbers of replicas
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8], value_name = "N,N,…", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(crate) replicas: Vec<u64>,
    /// Users in the database
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: u64,
    /// How long each figure is measured, in seconds
    #[arg(long, default_value_t = 2.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds, of which the medians are taken
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Put the table into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// How many replicas, which PostgreSQL and what price 100 to 100,000 requests a second ask for.
///
/// Reckoned from service/bench/capacity.json (what was measured, what is assumed) and terraform/prices.toml; measures nothing.
#[derive(Args)]
pub(crate) struct BenchCapacityArgs {
    /// Take the CPU times from these results of `bench api` first, and keep them in service/bench/capacity.json
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Put the table into docs/operations.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Instructions a request on the hot paths, counted by callgrind: a figure that a busy machine does not change.
///
/// Compared with the recorded ones in service/bench/instructions.json; more than the tolerance is a failure.
#[derive(Args)]
pub(crate) struct BenchInstructionsArgs {
    /// Record what is counted instead of comparing with it
    #[arg(long)]
    pub(crate) record: bool,
    /// By how many percent a count may grow
    #[arg(long, default_value_t = 3.0, value_name = "PERCENT")]
    pub(crate) tolerance: f64,
    /// Requests that are counted for each path
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(100..))]
    pub(crate) requests: u64,
}

/// Where the time goes: a flame graph of Roster under load, sampled by perf.
#[derive(Args)]
pub(crate) struct BenchFlamegraphArgs {
    /// What is asked for
    #[arg(value_parser = ["get", "post", "put", "list"], default_value = "get")]
    pub(crate) operation: String,
    /// Connections of the load
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) connections: usize,
    /// How long samples are taken, in seconds
    #[arg(long, default_value_t = 10.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Users in the database
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub(crate) users: u64,
}

/// Four times the load that Roster can carry: what it still serves of it, and how soon.
///
/// The load has a processor of its own, Roster and PostgreSQL share the others, so that the load takes nothing from whom it
/// measures. First the peak is looked for, then four times its rate comes in whatever becomes of it. Fails when less
/// than 80 % of the peak is served, or one request in a hundred of those that were accepted takes 250 ms.
#[derive(Args)]
pub(crate) struct BenchOverloadArgs {
    /// Users in the database
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: u64,
    /// How long each figure is measured, in seconds
    #[arg(long, default_value_t = 5.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds, each of peak and overload; the one in the middle is told
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Connections of the overload
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub(crate) connections: usize,
    /// Measure these alone
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = ["get", "post", "put", "list"], default_values_t = ["get", "post", "put", "list"].map(str::to_owned))]
    pub(crate) only: Vec<String>,
    /// Put the table into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}
