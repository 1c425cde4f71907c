//! Every command and flag of `cargo xtask`, on one page.
//!
//! Only the shape of the command line is here: what a command does is in `commands/<command>.rs`.

mod contract;
mod delivery;
mod flows;
mod infra;
mod observability;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use contract::*;
pub(crate) use delivery::*;
pub(crate) use flows::*;
pub(crate) use infra::*;
pub(crate) use observability::*;

/// Every step of Roster's development and delivery. Makefile, CI and a laptop run the same commands.
///
/// Exit codes: 0 all is well; 1 a check or test failed; 2 wrong usage or settings; 3 a tool or prerequisite is
/// missing; 4 something could not be reached (database, cluster, registry, server); 5 refused by policy; 6 a rollout
/// failed or was rolled back; 130 interrupted.
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
    Check(CheckArgs),
    Image(ImageArgs),
    Tools(ToolsArgs),
    Deploy(DeployArgs),
    Rollback(RollbackArgs),
    Status(StatusArgs),
    Logs(LogsArgs),
    E2e(E2eArgs),
    Dev(DevArgs),
    Contract(ContractArgs),
    Test(TestArgs),
    /// Say what this machine has of what the commands need, and how to get the rest.
    Doctor,
    Ci(CiArgs),
    /// Compile every crate and test target, from the committed lock file alone
    Compile,
    Coverage(CoverageArgs),
    Notify(NotifyArgs),
    Pipelines(PipelinesArgs),
    Infra(InfraArgs),
    Rules(RulesArgs),
    Dashboards(DashboardsArgs),
    SlackStandIn(SlackStandInArgs),
    Sonar(SonarArgs),
}

/// Check the repository: all areas, or those named.
///
/// Nothing is changed. Every area is tried even when an earlier one failed; a table at the end says what passed, what
/// failed and what could not be proven because a tool is missing (exit code 3, with how to get it).
#[derive(Args)]
#[command(after_help = crate::check::areas_help())]
pub(crate) struct CheckArgs {
    /// Areas to check; all of them when none is named
    #[arg(value_name = "AREA", value_parser = clap::builder::PossibleValuesParser::new(crate::check::area_names()))]
    pub(crate) areas: Vec<String>,
}

/// Run the service with a PostgreSQL of its own on this machine, until Ctrl-C.
///
/// Builds the service, finds or starts a PostgreSQL (DATABASE_URL; else server binaries on this machine, run as a
/// private instance below target/; else a container), migrates, serves, and follows the log. Ctrl-C and SIGTERM stop
/// all of it; nothing is left running. Data are kept for the next time.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct DevArgs {
    /// The service's port; 0 takes any free one [default: 8080, or a free one when it is taken]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Begin with new data
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Fill an empty directory with N plausible users first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) seed: Option<u32>,
    /// Print one line of JSON on stdout when ready: url, admin_url, database_url, token, client_id, client_secret
    #[arg(long)]
    pub(crate) json: bool,
    /// Let everyone in, without tokens
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// Build and run the service optimised, as it is shipped
    #[arg(long)]
    pub(crate) release: bool,
}

/// Run all tests of the workspace on a PostgreSQL that is found or started for them.
///
/// It is looked for as by `dev`; the line `postgres: tests run on …` says which was taken. ROSTER_TEST_POSTGRES
/// (auto, private, container) chooses the kind, and ROSTER_TEST_POSTGRES_IMAGE names the image of a container, which
/// is then preferred. Each test has a database of its own, dropped after it. Nothing is skipped for want of a server.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct TestArgs {
    /// Take this kind of server, whatever the environment says
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) postgres: Option<PostgresKind>,
    /// Arguments for `cargo test`, such as a filter: cargo xtask test -- create_user
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) cargo_args: Vec<String>,
}

/// Where a server for tests comes from.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum PostgresKind {
    /// Server binaries on this machine
    Private,
    /// A container, by the Docker engine that answers
    Container,
}

/// Run a stand-in of Slack's API: takes webhooks and chat.postMessage, refuses what Slack would refuse.
///
/// For rehearsals on this machine: point Slack's variables, or Alertmanager, at it. Prints one line of
/// JSON with its addresses when it is ready, and runs until Ctrl-C.
#[derive(Args)]
pub(crate) struct SlackStandInArgs {
    /// Where it listens; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Append every accepted message to this file, one line of JSON each
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Answer this many messages with 429 first
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) rate_limited: u32,
    /// Answer every message with this status instead of looking at it
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..=599))]
    pub(crate) broken: Option<u16>,
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
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = clap::builder::PossibleValuesParser::new(crate::commands::bench::contestant_names()))]
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
