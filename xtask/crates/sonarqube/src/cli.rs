//! The command line of coverage and SonarQube.

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
    Coverage(CoverageArgs),
    Sonar(SonarArgs),
}

/// Measure what the tests cover: LCOV, Cobertura, HTML and a summary.
///
/// Runs the unit and integration tests of the service, its binary included, with instrumented code. LLVM's tools are
/// those that `LLVM_COV` and `LLVM_PROFDATA` name, else rustup's component llvm-tools, else the system's own of the
/// compiler's version.
#[derive(Args)]
pub(crate) struct CoverageArgs {
    /// Where the reports go
    #[arg(long, default_value = "target/coverage", value_name = "FOLDER")]
    pub(crate) output_dir: PathBuf,
}

/// SonarQube: analyse the sources, fetch the report, judge it; and keep the server's settings as code.
///
/// The server is SONAR_HOST_URL. SONAR_TOKEN scans and reads; SONAR_ADMIN_TOKEN, where it is set, also makes what is
/// absent. Each long-lived branch is a project of its own: roster-develop, roster-master.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct SonarArgs {
    #[command(subcommand)]
    pub(crate) command: SonarCommand,
}

#[derive(Subcommand)]
pub(crate) enum SonarCommand {
    /// Make the project, its quality gate and webhook as sonarqube/quality-gate.toml says; changes only what differs
    Apply(SonarServerArgs),
    /// Run clippy to JSON, send sources, tests, coverage and findings, and wait for the analysis
    Scan(SonarScanArgs),
    /// Fetch what the server made of the analysis: report.md, report.json
    Report(SonarReportArgs),
    /// Fail, with the list of the conditions that fell short, when the quality gate did not pass
    Gate(SonarGateArgs),
}

#[derive(Args)]
pub(crate) struct SonarServerArgs {
    /// The server
    #[arg(long, env = "SONAR_HOST_URL", value_name = "URL")]
    pub(crate) host_url: String,
    /// Long-lived branch whose project is meant
    #[arg(long, env = "SONAR_BRANCH", default_value = "develop", value_parser = ["develop", "master"])]
    pub(crate) branch: String,
    /// Seconds that the server may be away, or an analysis may take, before it is given up
    #[arg(
        long,
        env = "SONAR_WAIT_LIMIT_S",
        default_value_t = 300,
        value_name = "SECONDS"
    )]
    pub(crate) wait_limit_s: u64,
}

#[derive(Args)]
pub(crate) struct SonarScanArgs {
    #[command(flatten)]
    pub(crate) server: SonarServerArgs,
    /// Where `cargo xtask coverage` left its reports
    #[arg(long, default_value = "target/coverage", value_name = "FOLDER")]
    pub(crate) coverage_dir: PathBuf,
    /// Where the clippy report and the analysis' id go
    #[arg(long, default_value = "target/sonar/analysis", value_name = "FOLDER")]
    pub(crate) output_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct SonarReportArgs {
    #[command(flatten)]
    pub(crate) server: SonarServerArgs,
    /// Where `sonar scan` left the analysis' id
    #[arg(long, default_value = "target/sonar/analysis", value_name = "FOLDER")]
    pub(crate) analysis_dir: PathBuf,
    /// Where the report goes
    #[arg(long, default_value = "target/sonar/report", value_name = "FOLDER")]
    pub(crate) output_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct SonarGateArgs {
    /// Where `sonar report` left its report
    #[arg(long, default_value = "target/sonar/report", value_name = "FOLDER")]
    pub(crate) report_dir: PathBuf,
}
