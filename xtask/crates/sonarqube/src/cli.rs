//! The command line of coverage and SonarQube.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    Coverage(CoverageArgs),
    Sonar(SonarArgs),
}

/// Measure test coverage: LCOV, Cobertura, HTML and a summary.
///
/// Runs the unit and integration tests of the service, including its binary, with instrumented code. LLVM's tools come
/// from `LLVM_COV` and `LLVM_PROFDATA`, or else from rustup's component llvm-tools, or else from the system, in the
/// compiler's LLVM version.
#[derive(Args)]
pub(crate) struct CoverageArgs {
    /// Directory of the reports
    #[arg(long, default_value = "target/coverage", value_name = "FOLDER")]
    pub(crate) output_dir: PathBuf,
}

/// SonarQube: analyse the sources, fetch the report, check the quality gate, and apply the server's settings from code.
///
/// The server is SONAR_HOST_URL. SONAR_TOKEN scans and reads; SONAR_ADMIN_TOKEN, if set, also creates what is missing.
/// Each long-lived branch has its own project: roster-develop, roster-master.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct SonarArgs {
    #[command(subcommand)]
    pub(crate) command: SonarCommand,
}

#[derive(Subcommand)]
pub(crate) enum SonarCommand {
    /// Create or update the project, quality gate and webhook from sonarqube/quality-gate.toml; changes only what
    /// differs
    Apply(SonarServerArgs),
    /// Run clippy to JSON, send sources, tests, coverage and findings, and wait for the analysis
    Scan(SonarScanArgs),
    /// Fetch the result of the analysis: report.md, report.json
    Report(SonarReportArgs),
    /// Fail with the failed conditions if the quality gate did not pass
    Gate(SonarGateArgs),
}

#[derive(Args)]
pub(crate) struct SonarServerArgs {
    /// The server
    #[arg(long, env = "SONAR_HOST_URL", value_name = "URL")]
    pub(crate) host_url: String,
    /// Long-lived branch of the project
    #[arg(long, env = "SONAR_BRANCH", default_value = "develop", value_parser = ["develop", "master"])]
    pub(crate) branch: String,
    /// How long to wait for an unreachable server or a running analysis, in seconds
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
    /// Directory of the reports of `cargo xtask coverage`
    #[arg(long, default_value = "target/coverage", value_name = "FOLDER")]
    pub(crate) coverage_dir: PathBuf,
    /// Directory for the clippy report and the analysis id
    #[arg(long, default_value = "target/sonar/analysis", value_name = "FOLDER")]
    pub(crate) output_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct SonarReportArgs {
    #[command(flatten)]
    pub(crate) server: SonarServerArgs,
    /// Directory with the analysis id from `sonar scan`
    #[arg(long, default_value = "target/sonar/analysis", value_name = "FOLDER")]
    pub(crate) analysis_dir: PathBuf,
    /// Directory of the report
    #[arg(long, default_value = "target/sonar/report", value_name = "FOLDER")]
    pub(crate) output_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct SonarGateArgs {
    /// Directory with the report from `sonar report`
    #[arg(long, default_value = "target/sonar/report", value_name = "FOLDER")]
    pub(crate) report_dir: PathBuf,
}
