//! A proxy that keeps connections for less long than Roster never sends a request into one that is being closed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::call::{Client, user};
use crate::proxy::{Duty, Program, Proxy};
use roster_dev::local_roster::LocalRoster;
use xtask::interrupt;

/// How long Roster keeps an idle connection in this test; longer than the head's time-out, and than what proxies keep.
pub(super) const KEPT: Duration = Duration::from_secs(8);
const DUTY: Duty = Duty {
    compresses: false,
    caches: false,
    keeps_idle: Duration::from_secs(3),
    checks: None,
};
/// Between the time-out of a head and the idle time: a connection that has been idle for it has to be there still.
const IDLE: Duration = Duration::from_secs(2);
const CLIENTS: usize = 16;
const ROUNDS: usize = 6;

pub(super) fn connections_that_a_proxy_keeps(roster: &LocalRoster) -> Result<()> {
    printing::println!(
        "\n| proxy that keeps connections | idle connections after {} s | POST after pauses of 1.8 to 3.3 s | failed |\n\
         | --- | ---: | ---: | ---: |",
        IDLE.as_secs()
    );
    for program in Program::REVERSE_PROXIES {
        let proxy = Proxy::start(program, &roster.address(), DUTY)?;
        let by_status = Mutex::new(BTreeMap::new());
        let post = |client: &Client, name: &str| -> Result<()> {
            let status = client.send("POST", "/v1/users", &[], &user(name))?.status;
            let mut by_status = by_status
                .lock()
                .map_err(|_| anyhow::anyhow!("a client panicked"))?;
            *by_status.entry(status).or_insert(0_u32) += 1;
            Ok(())
        };
        all_at_once(|number| {
            post(
                &Client::new(proxy.url(), roster),
                &format!("{}-first-{number}", program.name()),
            )
        })?;
        std::thread::sleep(IDLE);
        let kept = open_connections(roster)?;
        ensure!(
            kept > 0,
            "{}: no connection is open after {IDLE:?}",
            proxy.version
        );
        all_at_once(|number| {
            let client = Client::new(proxy.url(), roster);
            for round in 0..ROUNDS {
                interrupt::check()?;
                // Around the time that the proxy keeps a connection, and never as long as Roster does.
                let step = u64::try_from((number + round * 5) % CLIENTS)?;
                std::thread::sleep(Duration::from_millis(1800 + 100 * step));
                post(&client, &format!("{}-{number}-{round}", program.name()))?;
            }
            Ok(())
        })?;
        let by_status = by_status
            .into_inner()
            .map_err(|_| anyhow::anyhow!("a client panicked"))?;
        let sent: u32 = by_status.values().sum();
        let created = by_status.get(&201).copied().unwrap_or_default();
        ensure!(
            sent == created,
            "{}: POST by status: {by_status:?}",
            proxy.version
        );
        printing::println!(
            "| {} | {kept} | {sent} | {} |",
            proxy.version,
            sent - created
        );
    }
    Ok(())
}

/// Runs it for each client, in a thread of its own.
fn all_at_once(run: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    let run = &run;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || run(number)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a client panicked"))?
        })
    })
}

/// The connections of clients that Roster has open.
fn open_connections(roster: &LocalRoster) -> Result<u32> {
    let agent = http_client::agent(Duration::from_secs(5));
    let url = format!("{}/metrics", roster.admin_url());
    let text = agent.get(url).call()?.body_mut().read_to_string()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("roster_http_connections "));
    line.and_then(|number| number.parse().ok())
        .context("no metric roster_http_connections")
}
