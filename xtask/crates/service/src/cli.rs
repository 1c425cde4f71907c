//! The command line of what tries a running Roster.

use clap::{Args, Parser, Subcommand};

use crate::commands::standby::Fault;

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
    Contract(ContractArgs),
    Test(TestArgs),
    E2e(E2eArgs),
    /// Check one area: a step of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["openapi"])]
        area: String,
    },
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

/// Prove what a running Roster does beside its API, each with a real server.
#[derive(Args)]
pub(crate) struct E2eArgs {
    #[command(subcommand)]
    pub(crate) story: E2eStory,
}

/// The stories that need no cluster.
#[derive(Subcommand)]
pub(crate) enum E2eStory {
    /// Let the primary of a streaming pair fail under load, promote the standby, and see Roster go on by itself
    ///
    /// The primary is killed, frozen (SIGSTOP), and cut off by dropped packets, each with a pair of its own. Both servers are
    /// private ones of this machine. In between every failed call must be a 503; no acknowledged user may be lost.
    Standby(StandbyArgs),
    /// Run Roster behind a real `pgbouncer` in each of its modes, and print what works
    ///
    /// Mode `session` must serve everything; what mode `transaction` breaks is counted.
    Pgbouncer,
    Docs(DocsPageArgs),
    Kills(KillsArgs),
}

/// Which faults the primary has.
#[derive(Args)]
pub(crate) struct StandbyArgs {
    /// How the primary fails, again for each further fault; all of them when not given
    #[arg(long, value_enum, value_name = "FAULT")]
    pub(crate) by: Vec<Fault>,
}

/// Hold a running Roster against its OpenAPI document, by schemathesis with all its checks
///
/// Starts a private PostgreSQL and the service with a client of its own, as `dev` does. schemathesis makes requests that
/// the document allows and others that it forbids, and follows what one answer says into the next request. Any answer
/// that the document does not foresee is a failure, and so is every 5xx and every error in the service's log.
#[derive(Args)]
pub(crate) struct ContractArgs {
    /// Most cases that are made up for each operation
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) examples: u32,
    /// Make the same cases again as an earlier run with this seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Arguments for schemathesis, such as: -- --include-operation-id createUser
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) more: Vec<String>,
}

/// Open /docs in a real Chromium, paste a token, create a user, and keep a picture of the page
///
/// Fails when the page asks for anything from elsewhere, breaks its own content security policy, or throws.
#[derive(Args)]
pub(crate) struct DocsPageArgs {
    /// Where the picture is kept
    #[arg(long, default_value = "target/e2e/docs.png", value_name = "FILE")]
    pub(crate) picture: std::path::PathBuf,
}

/// Kill the service again and again under a load of idempotent creates, and account for every one of them
///
/// Each key must have made exactly one user and one change, and the change feed, replayed from its beginning, must give
/// the table. The test suite does the same with a few kills.
#[derive(Args)]
pub(crate) struct KillsArgs {
    /// How often the service gets SIGKILL
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) times: u32,
}
