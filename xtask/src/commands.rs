//! From a parsed command to the code that runs it: one line for each command.

mod alerts;
pub(crate) mod bench;
mod check;
mod ci_flow;
mod compile;
mod contract;
mod coverage;
mod dashboards;
pub(crate) mod deploy;
mod dev;
mod docs_page;
mod doctor;
mod e2e;
pub(crate) mod image;
mod infra;
mod kills;
mod notify;
mod pgbouncer;
mod pipelines;
mod rollback;
mod rules;
mod slack_stand_in;
mod sonar;
pub(crate) mod standby;
mod status;
mod test;
mod tools;

use anyhow::Result;

use crate::cli::{Command, E2eStory};

/// Runs one command to its end.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Bench(args) => bench::run(args),
        Command::Check(args) => check::run(&args),
        Command::Image(args) => image::run(args),
        Command::Tools(args) => tools::run(&args),
        Command::Deploy(args) => deploy::run(&args),
        Command::Rollback(args) => rollback::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Logs(args) => status::logs(&args),
        Command::E2e(args) => match &args.story {
            Some(E2eStory::Alerts(alerts)) => alerts::run(alerts),
            Some(E2eStory::Standby(args)) => standby::run(&args.by),
            Some(E2eStory::Pgbouncer) => pgbouncer::run(),
            Some(E2eStory::Docs(page)) => docs_page::run(page),
            Some(E2eStory::Kills(kills)) => kills::run(kills),
            None => e2e::run(&args),
        },
        Command::Contract(args) => contract::run(&args),
        Command::Dev(args) => dev::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Doctor => doctor::run(),
        Command::Ci(args) => ci_flow::run(&args),
        Command::Compile => compile::run(),
        Command::Coverage(args) => coverage::run(&args),
        Command::Notify(args) => notify::run(&args),
        Command::Pipelines(args) => pipelines::run(&args),
        Command::Infra(args) => infra::run(&args),
        Command::Dashboards(args) => dashboards::run(&args),
        Command::Rules(args) => rules::run(args.command),
        Command::SlackStandIn(args) => slack_stand_in::run(args),
        Command::Sonar(args) => sonar::run(&args),
    }
}
