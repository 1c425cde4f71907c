//! The settings of exports and imports.

#![allow(
    clippy::doc_markdown,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use clap::Args;

/// Exports and imports.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Export and import")]
pub struct BulkArgs {
    /// Maximum number of exports at a time; further ones are answered 429. Each has a connection to the database, beside
    /// the pool.
    #[arg(long, env = "ROSTER_EXPORT_LIMIT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100), value_name = "N")]
    pub export_limit: u16,
    /// Maximum duration of an export, in milliseconds; then it breaks off. While it runs, PostgreSQL cannot vacuum rows
    /// that were replaced since it began.
    #[arg(long, env = "ROSTER_EXPORT_TIMEOUT_MS", default_value_t = 600_000, value_parser = clap::value_parser!(u64).range(1000..=86_400_000), value_name = "MS")]
    pub export_timeout_ms: u64,
    /// Maximum number of imports at a time; further ones are answered 429. Each has a connection to the database, beside
    /// the pool.
    #[arg(long, env = "ROSTER_IMPORT_LIMIT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100), value_name = "N")]
    pub import_limit: u16,
    /// Maximum duration of an import, in milliseconds; then 408. It can be continued.
    #[arg(long, env = "ROSTER_IMPORT_TIMEOUT_MS", default_value_t = 21_600_000, value_parser = clap::value_parser!(u64).range(1000..=604_800_000), value_name = "MS")]
    pub import_timeout_ms: u64,
    /// Maximum number of records of an import that share one transaction. Other writers wait for one of these at the most.
    #[arg(long, env = "ROSTER_IMPORT_BATCH_LIMIT", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    pub import_batch_limit: u16,
    /// Share of its time in which an import uses the database, in percent; in the rest, it leaves it to other clients.
    #[arg(long, env = "ROSTER_IMPORT_SHARE_PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100), value_name = "PERCENT")]
    pub import_share_percent: u32,
}
