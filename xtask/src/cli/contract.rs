//! The commands that hold a running Roster against its contract.

use clap::Args;

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
