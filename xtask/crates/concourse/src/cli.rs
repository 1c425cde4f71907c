//! The command line of pipelines, flows and notifications.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::notify::state::State;

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
    Ci(CiArgs),
    Notify(NotifyArgs),
    Pipelines(PipelinesArgs),
    /// Check one area: a step of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["pipelines"])]
        area: String,
    },
}

/// Run what CI runs on this machine, or the whole flow of a pipeline, or the flows with something broken on purpose.
#[derive(Args)]
pub(crate) struct CiArgs {
    #[command(subcommand)]
    pub(crate) flow: Option<CiFlow>,
}

/// The flows that have a pipeline, and their rehearsal.
#[derive(Subcommand)]
pub(crate) enum CiFlow {
    /// What a push to develop goes through: compile, test, lint, coverage, SonarQube, quality gate
    ///
    /// The order, time-outs and hooks are those of concourse/pipelines/develop.yml. Variables such as SONAR_HOST_URL and
    /// SLACK_WEBHOOK_URL are taken from the environment. Ends at the first step that fails, with that step's exit code.
    #[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
    Develop(CiFlowArgs),
    /// What a push to master goes through: the same, then image, push, deploy, smoke test
    ///
    /// Deploys to --env, which is dev unless said otherwise; the pipeline itself deploys to production.
    Master(CiFlowArgs),
    Rehearse(CiRehearseArgs),
}

#[derive(Args)]
pub(crate) struct CiFlowArgs {
    /// Environment that a deployment goes to
    #[arg(long, default_value = "dev", value_parser = ["dev", "production"])]
    pub(crate) env: String,
    /// Begin at this step, with what an earlier run left of the steps before it
    #[arg(long, value_name = "STEP", conflicts_with = "only")]
    pub(crate) from: Option<String>,
    /// Run this step alone, with what an earlier run left of the steps before it
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Option<String>,
    /// List the steps with the command of each, and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// Go on past a step that cannot be proven here (exit code 3: a tool or the network is missing); the flow then
    /// ends with 3
    #[arg(long)]
    pub(crate) allow_not_proven: bool,
}

/// Break one step after the other on purpose: which step stops the flow, with which code, and who is told.
///
/// Sources are broken in a clone of the last commit, below target/flows. Slack is a stand-in on this machine. Each
/// rehearsal begins at the step that it breaks; those of the later steps use what `ci develop` and `ci master` left
/// here. SonarQube must be a server of this machine (SONAR_HOST_URL), since a spoilt analysis is sent to it, and the
/// cluster must be one of development. Fails when a flow stops elsewhere, with another code, or with more or fewer
/// messages than one.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
#[command(after_help = crate::rehearsal::faults_help())]
pub(crate) struct CiRehearseArgs {
    /// Faults to rehearse; all of them when none is named
    #[arg(value_name = "FAULT", value_parser = clap::builder::PossibleValuesParser::new(crate::rehearsal::fault_names()))]
    pub(crate) faults: Vec<String>,
}

/// Tell Slack how a job ended, when that is news: broke, still broken (once a day), fixed, errored, aborted.
///
/// A message that cannot be sent never fails the build; it leaves a line on stderr and in
/// target/notify/undelivered.jsonl. Goes to the incoming webhook in SLACK_WEBHOOK_URL, else to --channel as the bot of
/// SLACK_BOT_TOKEN. What came before is asked of Concourse, or kept in --history where there is none.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct NotifyArgs {
    /// Flow, or pipeline
    #[arg(long, env = "FLOW")]
    pub(crate) flow: String,
    /// Job of the flow
    #[arg(long, env = "JOB")]
    pub(crate) job: String,
    /// How it ended
    #[arg(long, env = "STATE", value_enum)]
    pub(crate) state: State,
    /// Folder in which the last step kept its name, words and exit code
    #[arg(long, value_name = "FOLDER")]
    pub(crate) step_log: Option<PathBuf>,
    /// Concourse server, as people open it; it is asked for earlier builds
    #[arg(long, env = "CONCOURSE_URL", value_name = "URL")]
    pub(crate) concourse_url: Option<String>,
    /// Where the server's API is asked, when not at the address that people use
    #[arg(long, env = "CONCOURSE_API_URL", value_name = "URL")]
    pub(crate) concourse_api_url: Option<String>,
    /// Team that the pipeline belongs to
    #[arg(long, env = "CONCOURSE_TEAM", default_value = "main")]
    pub(crate) concourse_team: String,
    /// SonarQube server, as people open it, for the link to the report
    #[arg(long, env = "SONAR_PUBLIC_URL", value_name = "URL")]
    pub(crate) sonar_url: Option<String>,
    /// Channel that a bot token writes to
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
    /// What is remembered of jobs where there is no Concourse
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
    /// Set, expose and unpause every pipeline; from then on they set themselves. Needs fly, logged in
    Set(PipelinesSetArgs),
}

#[derive(Args)]
pub(crate) struct PipelinesSetArgs {
    /// The target that `fly login` saved
    #[arg(long, env = "FLY_TARGET")]
    pub(crate) target: String,
    /// Do not ask before the pipeline is changed
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the commands and run none
    #[arg(long)]
    pub(crate) dry_run: bool,
}
