//! The command line of tests on a running Roster.

use clap::{Args, Parser, Subcommand};
use dev_postgres::Choice;

use crate::commands::clients::Generator;
use crate::commands::standby::Fault;
use crate::commands::upgrade_database::Way;

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
    Contract(ContractArgs),
    Test(TestArgs),
    Fuzz(FuzzArgs),
    E2e(E2eArgs),
    /// Run one area of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["openapi"])]
        area: String,
    },
    /// Write or compare one area of `cargo xtask generate`
    #[command(hide = true)]
    Generate {
        #[arg(value_parser = ["openapi", "settings"])]
        area: String,
        #[arg(long)]
        check: bool,
    },
}

/// Run all tests of the workspace on a PostgreSQL that is found or started for them.
///
/// PostgreSQL is found, downloaded or started as by `dev`; the line `postgres: tests run on …` shows which. --postgres or
/// ROSTER_DEV_POSTGRES select another; ROSTER_TEST_POSTGRES_IMAGE sets the image of a container, which is then preferred.
/// Each test has its own database, dropped afterwards. Without a server the command fails; no test is skipped.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct TestArgs {
    /// PostgreSQL: system (binaries on this machine), embedded, container, 15, 16, 17, 18 (prebuilt) or a URL
    #[arg(long, value_name = "WHICH")]
    pub(crate) postgres: Option<Choice>,
    /// Run the tests of the HTTP API on each PostgreSQL that is supported, one after the other: 15, 16, 17 and 18
    #[arg(long, conflicts_with = "postgres")]
    pub(crate) postgres_matrix: bool,
    /// Arguments for `cargo test`, such as a filter: cargo xtask test -- create_user
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) cargo_args: Vec<String>,
}

/// Fuzz everything that parses what clients send
///
/// The targets are patches, list queries, cursors, tokens, whole requests, and the filters, patches and requests of SCIM (`service/fuzz`), built with coverage counters
/// and, where the toolchain has it, AddressSanitizer. A panic, an input that takes 5 s, and an allocation of 64 MiB are
/// findings. `service/fuzz/corpus` holds the inputs that `cargo xtask test` runs, too.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct FuzzArgs {
    /// Fuzz this target instead of all of them, one after the other
    #[arg(value_name = "TARGET", value_parser = crate::commands::fuzz::TARGETS)]
    pub(crate) target: Option<String>,
    /// How long to fuzz each target
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) seconds: u32,
    /// Afterwards keep as few inputs in the corpus as reach the same code
    #[arg(long)]
    pub(crate) minimize: bool,
}

/// Test a running Roster beyond its API, with real servers.
#[derive(Args)]
pub(crate) struct E2eArgs {
    #[command(subcommand)]
    pub(crate) story: E2eStory,
}

/// The end-to-end tests without a cluster.
#[derive(Subcommand)]
pub(crate) enum E2eStory {
    /// Let the primary of a streaming pair fail under load, promote the standby, and see Roster go on by itself
    ///
    /// The primary is killed, frozen (SIGSTOP), and cut off by dropped packets, each with a pair of its own. Both
    /// servers are private instances on this machine. Every failed call must be a 503, and no acknowledged user may be
    /// lost.
    Standby(StandbyArgs),
    /// Run Roster behind a real `pgbouncer` in each of its modes, and print what works
    ///
    /// Session mode must serve everything; what transaction mode breaks is counted.
    Pgbouncer,
    /// Run Roster behind real proxies that compress, keep connections, and cache: nginx, HAProxy, Apache, Caddy, Varnish
    ///
    /// Entity tags have to hold behind those that compress, no request may fail on a connection that was idle, and what
    /// caches do is printed. All run on loopback with a configuration of their own.
    Proxies,
    Docs(DocsPageArgs),
    /// Let pages of other origins call the API in a real Chromium (CORS)
    ///
    /// The page of an allowed origin creates, reads, changes and lists users, and reads header fields and errors; the
    /// page of another origin must not read anything.
    Cors,
    Clients(ClientsArgs),
    Kills(KillsArgs),
    Bulk(BulkArgs),
    ScimOracles(ScimOraclesArgs),
    /// Test SCIM of a running Roster with scim2-tester, without an error or a skipped check
    ///
    /// Its versions are pinned in service/contract/scim.
    Scim,
    UpgradeDatabase(UpgradeDatabaseArgs),
}

/// Move a directory to a newer major version of PostgreSQL, by a dump and by logical replication under load
///
/// Both servers are prebuilt binaries, downloaded once. Users, entity tags, cursors, idempotency keys and positions of
/// the change feed must stay what they were; during the switch-over every failed call must be a 503, and no
/// acknowledged user may be lost. The dump needs `pg_dump` and `psql`: exit code 3 without them.
#[derive(Args)]
pub(crate) struct UpgradeDatabaseArgs {
    /// How the data move, again for each further way; all of them when not given
    #[arg(long, value_enum, value_name = "WAY")]
    pub(crate) by: Vec<Way>,
    /// Major version of the old server
    #[arg(long, default_value_t = 15, value_name = "MAJOR")]
    pub(crate) from: u32,
    /// Major version of the new server
    #[arg(long, default_value_t = 18, value_name = "MAJOR")]
    pub(crate) to: u32,
}

/// Compare generated SCIM filters and patches with what npm's scim2-parse-filter and scim-patch make of them
///
/// 10,000 of each must have the same result or the same refusal. The known differences are listed in the test; one that
/// is not listed fails, as does a listed one that no longer occurs.
#[derive(Args)]
pub(crate) struct ScimOraclesArgs {
    /// Generate other cases
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
}

/// Which faults the primary has.
#[derive(Args)]
pub(crate) struct StandbyArgs {
    /// How the primary fails, again for each further fault; all of them when not given
    #[arg(long, value_enum, value_name = "FAULT")]
    pub(crate) by: Vec<Fault>,
}

/// Test a running Roster against its OpenAPI document, with all checks of schemathesis
///
/// Starts a private PostgreSQL and the service with its own client, as `dev` does. schemathesis sends valid and invalid
/// requests and uses responses in later requests. Any response that the document does not allow is a failure, as is
/// every 5xx and every error in the service's log.
#[derive(Args)]
pub(crate) struct ContractArgs {
    /// Maximum number of generated cases per operation
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) examples: u32,
    /// Generate the same cases as an earlier run with this seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Arguments for schemathesis, such as: -- --include-operation-id createUser
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) more: Vec<String>,
}

/// Open /docs in a real Chromium, paste a token, create a user, and save a screenshot
///
/// Fails if the page requests anything from another origin, violates its content security policy, or throws.
#[derive(Args)]
pub(crate) struct DocsPageArgs {
    /// Path of the screenshot
    #[arg(long, default_value = "target/e2e/docs.png", value_name = "FILE")]
    pub(crate) picture: std::path::PathBuf,
}

/// Generate clients from the OpenAPI document, compile them, and run each against a live service
///
/// Versions are pinned in service/contract/clients. A generator whose tools are missing is not proven: exit code 3.
#[derive(Args)]
pub(crate) struct ClientsArgs {
    /// All generators, also those that take minutes
    #[arg(long)]
    pub(crate) all: bool,
    /// This generator only, again for each further one
    #[arg(long, value_enum, value_name = "NAME", conflicts_with = "all")]
    pub(crate) generator: Vec<Generator>,
}

/// Kill replicas repeatedly under a load of idempotent creates, and account for every create
///
/// Each key must have created exactly one user and one change, and a reader that follows the change feed all the while must
/// know the table in the end. The test suite does the same with a few kills.
#[derive(Args)]
pub(crate) struct KillsArgs {
    /// Number of SIGKILLs
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) times: u32,
    /// Number of replicas on one database
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) replicas: u32,
}

/// Kill the service during imports and under followers of the change feed that start by an export
///
/// A repeated import must take each record once. Each follower reads an export and then the change feed, beside eight
/// writers, and must end with exactly the users of the table. The test suite does the same for less time.
#[derive(Args)]
pub(crate) struct BulkArgs {
    /// Followers, one after the other
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) followers: u32,
    /// How long each follows, in seconds
    #[arg(long, default_value_t = 300, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// SIGKILLs of the service under each follower
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) kills: u32,
    /// SIGKILLs of the service during one import
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) import_kills: u32,
}
