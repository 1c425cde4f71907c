//! The tests of the service, one file per command.

mod bulk;
pub(crate) mod clients;
pub(crate) mod contract;
mod cors;
mod docs_page;
mod durable_tests;
pub(crate) mod fuzz;
mod kills;
mod pgbouncer;
mod proxies;
mod python_environment;
mod scim;
mod scim_oracles;
pub(crate) mod standby;
pub(crate) mod test;
pub(crate) mod upgrade_database;

use anyhow::Result;

use crate::cli::E2eStory;

/// Runs one end-to-end test.
pub(crate) fn e2e(story: &E2eStory) -> Result<()> {
    match story {
        E2eStory::Standby(args) => standby::run(&args.by),
        E2eStory::Pgbouncer => pgbouncer::run(),
        E2eStory::Proxies => proxies::run(),
        E2eStory::Docs(page) => docs_page::run(page),
        E2eStory::Cors => cors::run(),
        E2eStory::Clients(clients) => clients::run(clients.all, &clients.generator),
        E2eStory::Kills(kills) => kills::run(kills),
        E2eStory::Bulk(args) => bulk::run(args),
        E2eStory::ScimOracles(args) => scim_oracles::run(args),
        E2eStory::Scim => scim::run(),
        E2eStory::UpgradeDatabase(args) => upgrade_database::run(&args.by, args.from, args.to),
    }
}
