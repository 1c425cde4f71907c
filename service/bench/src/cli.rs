//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use dev_postgres::Choice;

/// The commands of this program, as shown by `cargo xtask`.
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
    /// Run one area of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["capacity"])]
        area: String,
    },
}

/// Run benchmarks: against peers and limits, with millions of users, and by counting instructions.
///
/// Everything runs on this machine with a private PostgreSQL. Linux is required, because CPU time is read from /proc.
/// Results are kept in target/bench. Without a benchmark, --compare compares the last results of `bench api` with FILE
/// and fails if Roster's CPU time per request grew by more than 5 %.
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BenchCommand>,
    /// PostgreSQL: system (binaries on this machine), embedded, 15, 16, 17 or 18 (prebuilt, downloaded once)
    #[arg(long, global = true, value_name = "WHICH")]
    pub(crate) postgres: Option<Choice>,
    /// Compare with the results of an earlier `bench api`, corrected for the machine by the bare hyper of both runs
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
    Tail(BenchTailArgs),
    Scim(BenchScimArgs),
    Bulk(BenchBulkArgs),
}

/// CPU time per request, throughput, latency, memory and start-up of Roster, its peers and the limits, in one run.
///
/// Each round restarts every contestant on its own copy of one database; rounds are interleaved and medians reported.
/// Every response is checked. A peer whose tools are missing is reported as not measured.
#[derive(Args)]
pub(crate) struct BenchApiArgs {
    /// Users in each database
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: u64,
    /// Connections of the load generator
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) connections: usize,
    /// Duration of each measurement, in seconds
    #[arg(long, default_value_t = 3.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds; medians are reported
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) rounds: usize,
    /// Measure only these
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = clap::builder::PossibleValuesParser::new(crate::contestants::names()))]
    pub(crate) only: Vec<String>,
    /// Write tables and charts to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Lists and searches over many users: a deep page compared with the first, searches, the plan of every filter and
/// sort.
///
/// Fails if a deep page costs more than 1.5 times the first, a search takes 50 ms, or PostgreSQL scans the whole table
/// for any accepted filter or sort. Plans are those of the statements that Roster sent, as logged by `auto_explain`.
/// Then walks through another directory by `next` while a twentieth of it is deleted and as many users are inserted:
/// fails if a user that existed throughout is missed or any user is seen twice.
#[derive(Args)]
pub(crate) struct BenchListArgs {
    /// Users in the database
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    pub(crate) users: u64,
    /// The deep page to compare with the first; 50 users per page
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) page: u64,
    /// Users in the directory that changes during the walk
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=10_000_000))]
    pub(crate) walk_users: u64,
    /// Write the tables to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Time from start to the first response, and memory after many requests; fails above 50 ms or 20 MB.
#[derive(Args)]
pub(crate) struct BenchFootprintArgs {
    /// Starts; the median is reported
    #[arg(long, default_value_t = 21, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=999))]
    pub(crate) starts: u64,
    /// Requests before memory is measured
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    pub(crate) requests: u64,
    /// Write the table to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Cost of a request with a growing number of users and connections: each call at every size, GET with 1 to 1,000
/// connections.
#[derive(Args)]
pub(crate) struct BenchGrowthArgs {
    /// Numbers of users; connections are varied with the last one. Ten million take about 20 GB and 15 minutes
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000, 10_000_000], value_name = "N,N,…", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: Vec<u64>,
    /// Duration of each measurement, in seconds
    #[arg(long, default_value_t = 2.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds; medians are reported
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Write the tables to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Cost of a request with a growing number of replicas on one PostgreSQL, each with its share of the load.
///
/// Other builds of Roster and peers take turns with this build, each on a database of its own.
#[derive(Args)]
pub(crate) struct BenchReplicasArgs {
    /// Also measure this build of Roster; repeatable
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) against: Vec<PathBuf>,
    /// Also measure these peers
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = ["actix-pipelined", "xitca-pipelined", "ntex-pipelined", "axum-deadpool", "axum-sqlx", "go-pgx"])]
    pub(crate) peers: Vec<String>,
    /// Measure only these calls; `retitle` is a PUT that changes the title alone
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = ["get", "list", "post", "put", "retitle"], default_values_t = ["get", "list", "post", "put", "retitle"].map(str::to_owned))]
    pub(crate) only: Vec<String>,
    /// Connections of the whole load
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) connections: usize,
    /// Numbers of replicas
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8], value_name = "N,N,…", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(crate) replicas: Vec<u64>,
    /// Users in the database
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: u64,
    /// Duration of each measurement, in seconds
    #[arg(long, default_value_t = 2.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds; medians are reported
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Write the table to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Replicas, PostgreSQL size and price for 100 to 100,000 requests per second.
///
/// Computed from service/bench/capacity.json (measurements and assumptions) and terraform/prices.toml; measures
/// nothing.
#[derive(Args)]
pub(crate) struct BenchCapacityArgs {
    /// First take the CPU times from these results of `bench api` and write them to service/bench/capacity.json
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Write the table to docs/operations.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Instructions per request on the hot paths, counted by callgrind, unaffected by other load on the machine.
///
/// Compares with the counts recorded in service/bench/instructions.json; fails above the tolerance.
#[derive(Args)]
pub(crate) struct BenchInstructionsArgs {
    /// Record the counts instead of comparing
    #[arg(long)]
    pub(crate) record: bool,
    /// Allowed growth of a count, in percent
    #[arg(long, default_value_t = 3.0, value_name = "PERCENT")]
    pub(crate) tolerance: f64,
    /// Requests to count per path
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(100..))]
    pub(crate) requests: u64,
}

/// CPU profile: a flame graph of Roster under load, sampled by perf.
#[derive(Args)]
pub(crate) struct BenchFlamegraphArgs {
    /// Kind of request
    #[arg(value_parser = ["get", "post", "put", "list"], default_value = "get")]
    pub(crate) operation: String,
    /// Connections of the load generator
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) connections: usize,
    /// Sampling time, in seconds
    #[arg(long, default_value_t = 10.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Users in the database
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub(crate) users: u64,
}

/// Overload: how much of four times the sustainable load is served, and at which latency.
///
/// The load generator has its own processor; Roster and PostgreSQL share the others. First measures the peak, then
/// sends four times its rate in an open loop. Fails if less than 80 % of the peak is served, or if the p99 of accepted
/// requests reaches 250 ms.
#[derive(Args)]
pub(crate) struct BenchOverloadArgs {
    /// Users in the database
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(50..=100_000_000))]
    pub(crate) users: u64,
    /// Duration of each measurement, in seconds
    #[arg(long, default_value_t = 5.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Rounds, each of peak and overload; the median is reported
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Connections of the overload
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub(crate) connections: usize,
    /// Measure only these
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = ["get", "post", "put", "list"], default_values_t = ["get", "post", "put", "list"].map(str::to_owned))]
    pub(crate) only: Vec<String>,
    /// Write the table to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// The slowest responses: minutes of 70 % of the peak, open loop, and the whole distribution as a picture.
///
/// Latency counts from when a request was due, so that one that waits behind a stall is as slow as its client sees it. Other
/// builds of Roster take turns with this one, each on a database of its own and at 70 % of its own peak. Fails if the p99 of
/// this build reaches 10 ms or its slowest response 100 ms.
#[derive(Args)]
pub(crate) struct BenchTailArgs {
    /// Users in the database
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    pub(crate) users: u64,
    /// Duration of each measurement, in seconds
    #[arg(long, default_value_t = 600.0, value_name = "S")]
    pub(crate) seconds: f64,
    /// Measure only these
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = ["get", "list", "post", "put", "retitle"], default_values_t = ["post", "put"].map(str::to_owned))]
    pub(crate) only: Vec<String>,
    /// Also measure this build of Roster; repeatable
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) against: Vec<PathBuf>,
    /// Write the table and the pictures to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Cost of an identity provider: a first synchronisation beside /v1, bulk requests, a full read by cursor
///
/// Looks every user up, creates it and patches every tenth, over /v1 and over SCIM in turn. Fails if a user costs more than
/// 1.35 times as much CPU over SCIM, more than 0.6 times as much in bulk requests of 1,000, or if the last pages of a full read
/// cost more than 1.2 times as much as the first.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct BenchScimArgs {
    /// Users of each synchronisation
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=10_000_000))]
    pub(crate) users: u64,
    /// Connections of the provider
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub(crate) connections: usize,
    /// Rounds; medians are reported
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Users of the full read
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(20_000..=10_000_000))]
    pub(crate) read: u64,
}

/// Cost of an import and an export of many users, beside COPY of the same rows and beside single POSTs.
///
/// Fails if a user that is imported costs more than 2.0 times as much CPU as COPY into the same indexes, or 0.25 times as
/// much as a POST; or one that is exported more than 2.5 times as much as COPY TO.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct BenchBulkArgs {
    /// Users that are imported and exported
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    pub(crate) users: u64,
    /// Rounds; medians are reported
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(crate) rounds: u64,
    /// Write the table to docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}
