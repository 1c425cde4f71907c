//! The command line of pipelines, flows and notifications.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::notify::state::State;

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
    Ci(CiArgs),
    Notify(NotifyArgs),
    Pipelines(PipelinesArgs),
    /// Run one area of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["pipelines"])]
        area: String,
    },
}

/// Run what CI runs, a whole pipeline, or pipelines with something broken on purpose, on this machine.
#[derive(Args)]
pub(crate) struct CiArgs {
    #[command(subcommand)]
    pub(crate) flow: Option<CiFlow>,
}

#[derive(Subcommand)]
pub(crate) enum CiFlow {
    /// Run the pipeline of develop: compile, test, lint, coverage, SonarQube, quality gate
    ///
    /// Order, timeouts and hooks are read from concourse/pipelines/develop.yml. Variables such as SONAR_HOST_URL and
    /// SLACK_WEBHOOK_URL come from the environment. Stops at the first step that fails, with that step's exit code.
    #[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
    Develop(CiFlowArgs),
    /// Run the pipeline of master: the same, then image, push, deploy, smoke test
    ///
    /// Deploys to --env, by default dev; the pipeline itself deploys to production.
    Master(CiFlowArgs),
    Rehearse(CiRehearseArgs),
}

#[derive(Args)]
pub(crate) struct CiFlowArgs {
    /// Environment to deploy to
    #[arg(long, default_value = "dev", value_parser = ["dev", "production"])]
    pub(crate) env: String,
    /// Start at this step, with the outputs that an earlier run left
    #[arg(long, value_name = "STEP", conflicts_with = "only")]
    pub(crate) from: Option<String>,
    /// Run only this step, with the outputs that an earlier run left
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Option<String>,
    /// Run each task as a worker does: in this root file system, with only what the task declares, on a fresh clone
    ///
    /// Requires root. concourse/images/toolchain/make-root-file-system makes one with what the toolchain image has.
    /// Caches are kept in target/flows/FLOW-isolated/caches, one for each job, step and path.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) root_file_system: Option<PathBuf>,
    /// List the steps with their commands, and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// Continue after a step that cannot be proven here (exit code 3: a tool or the network is missing); the flow then
    /// exits with 3
    #[arg(long)]
    pub(crate) allow_not_proven: bool,
}

/// Break one step after the other on purpose, and verify which step stops the flow, its exit code, and the
/// notification.
///
/// Sources are broken in a clone of the last commit, below target/flows. Slack is a stand-in on this machine. Each
/// rehearsal starts at the step that it breaks; later steps use the outputs of `ci develop` and `ci master`. SonarQube
/// must run on this machine (SONAR_HOST_URL), because it receives a falsified analysis, and the cluster must belong to
/// the development environment. Fails if a flow stops at another step, with another code, or without exactly one
/// message.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
#[command(after_help = crate::rehearsal::faults_help())]
pub(crate) struct CiRehearseArgs {
    /// Faults to rehearse [default: all]
    #[arg(value_name = "FAULT", value_parser = clap::builder::PossibleValuesParser::new(crate::rehearsal::fault_names()))]
    pub(crate) faults: Vec<String>,
}

/// Notify Slack of a job's result when it changes: broke, still broken (once a day), fixed, errored, aborted.
///
/// A message that cannot be sent never fails the build; it is written to stderr and target/notify/undelivered.jsonl.
/// Sends to the incoming webhook in SLACK_WEBHOOK_URL, or else to --channel as the bot of SLACK_BOT_TOKEN. Earlier
/// results come from Concourse, or from --history where there is none.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct NotifyArgs {
    /// Flow or pipeline
    #[arg(long, env = "FLOW")]
    pub(crate) flow: String,
    /// Job of the flow
    #[arg(long, env = "JOB")]
    pub(crate) job: String,
    /// Result of the job
    #[arg(long, env = "STATE", value_enum)]
    pub(crate) state: State,
    /// Directory with the last step's name, output and exit code
    #[arg(long, value_name = "FOLDER")]
    pub(crate) step_log: Option<PathBuf>,
    /// Public URL of the Concourse server, which is queried for earlier builds
    #[arg(long, env = "CONCOURSE_URL", value_name = "URL")]
    pub(crate) concourse_url: Option<String>,
    /// URL of the server's API, if it differs from the public one
    #[arg(long, env = "CONCOURSE_API_URL", value_name = "URL")]
    pub(crate) concourse_api_url: Option<String>,
    /// Team of the pipeline
    #[arg(long, env = "CONCOURSE_TEAM", default_value = "main")]
    pub(crate) concourse_team: String,
    /// Public URL of the SonarQube server, for the link to the report
    #[arg(long, env = "SONAR_PUBLIC_URL", value_name = "URL")]
    pub(crate) sonar_url: Option<String>,
    /// Channel that the bot posts to
    #[arg(long, env = "SLACK_CHANNEL", default_value = "#builds")]
    pub(crate) channel: String,
    /// Slack's Web API
    #[arg(
        long,
        env = "SLACK_API_URL",
        default_value = "https://slack.com/api",
        value_name = "URL"
    )]
    pub(crate) slack_api_url: String,
    /// A remark at the end of the message, such as that the notifier is an older one
    #[arg(long, env = "NOTIFY_NOTE", value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// History of jobs where there is no Concourse
    #[arg(
        long,
        env = "NOTIFY_HISTORY",
        default_value = "target/notify/history.json",
        value_name = "FILE"
    )]
    pub(crate) history: PathBuf,
}

/// Concourse's pipelines.
#[derive(Args)]
pub(crate) struct PipelinesArgs {
    #[command(subcommand)]
    pub(crate) command: PipelinesCommand,
}

#[derive(Subcommand)]
pub(crate) enum PipelinesCommand {
    /// Set, expose and unpause every pipeline; afterwards they set themselves. Requires fly, logged in
    ///
    /// Refuses if a repository lacks a branch that a pipeline watches. Prints which jobs start at once, and the webhook
    /// of each resource.
    Set(PipelinesSetArgs),
}

#[derive(Args)]
pub(crate) struct PipelinesSetArgs {
    /// Target saved by `fly login`
    #[arg(long, env = "FLY_TARGET")]
    pub(crate) target: String,
    /// Do not ask before changing a pipeline
    #[arg(long)]
    pub(crate) yes: bool,
    /// Do not unpause: a new pipeline stays paused, and none of its jobs starts
    #[arg(long)]
    pub(crate) paused: bool,
    /// Print the commands and run none
    #[arg(long)]
    pub(crate) dry_run: bool,
}
