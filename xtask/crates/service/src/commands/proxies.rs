//! `cargo xtask e2e proxies`: Roster behind real proxies that compress, keep connections, cache, and check
//! its readiness.

mod caches;
mod call;
mod conditions;
mod idle;
mod outage;

use std::path::Path;

use anyhow::Result;

use crate::proxy::Program;
use roster_dev::local_roster::LocalRoster;
use xtask::interrupt;

/// Time for a request's head; short, so that the test sees that it does not end idle connections.
const HEADER_TIMEOUT_MS: &str = "--header-timeout-ms=1000";

pub(crate) fn run() -> Result<()> {
    interrupt::watch()?;
    // Checked first: without the proxies, nothing needs to be built.
    Program::demand(&[
        Program::Nginx,
        Program::Haproxy,
        Program::Apache,
        Program::Caddy,
        Program::Varnish,
    ])?;
    let flags = [
        HEADER_TIMEOUT_MS.to_owned(),
        format!("--keep-alive-timeout-ms={}", idle::KEPT.as_millis()),
    ];
    let roster =
        LocalRoster::start_with("cargo xtask e2e proxies", Path::new("target/e2e"), &flags)?;
    conditions::behind_compressing_proxies(&roster)?;
    idle::connections_that_a_proxy_keeps(&roster)?;
    caches::revalidation_through_caches(&roster)?;
    roster.demand_clean_log()?;
    drop(roster);
    outage::answers_while_the_database_is_away()
}
