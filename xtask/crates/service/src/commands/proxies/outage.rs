//! What clients get behind a proxy that checks `/readyz` while the database is away: Roster's own 503 with `Retry-After`, since
//! the service stays ready (docs/adr/0074). Were it unready, the proxy would answer in its place.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::call::{Answer, Client};
use crate::proxy::{Duty, Program, Proxy};
use roster_dev::local_roster::LocalRoster;
use xtask::interrupt;

/// The proxy checks five times a second and takes a server out after two failures: this is enough to see it ten times.
const AWAY: Duration = Duration::from_secs(6);
const LONGEST_RECOVERY: Duration = Duration::from_mins(1);

pub(super) fn answers_while_the_database_is_away() -> Result<()> {
    let folder = Path::new("target/e2e");
    let roster = LocalRoster::start_with_relay("cargo xtask e2e proxies", folder, &[])?;
    let relay = roster.database().context("the database has no relay")?;
    let admin = roster.admin_url();
    let admin = admin
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    let duty = Duty {
        compresses: false,
        caches: false,
        keeps_idle: Duration::from_secs(1),
        checks: Some(admin.context("the admin listener has no port")?),
    };
    let proxy = Proxy::start(Program::Haproxy, &roster.address(), duty)?;
    let client = Client::new(proxy.url(), &roster);
    until_served(&client)?;
    let (begun, mut answered) = (Instant::now(), 0);
    relay.cut();
    while begun.elapsed() < AWAY {
        interrupt::check()?;
        let answer = client.send("GET", "/v1/users?limit=1", &[], "")?;
        if answer.status == 200 && answered == 0 {
            // A connection of the pool may have answered before it was cut.
            continue;
        }
        ensure!(
            is_our_own(&answer),
            "{}: while the database was away, a client got {answer:?}",
            proxy.version
        );
        answered += 1;
    }
    ensure!(
        answered > 0,
        "no request was answered while the database was away"
    );
    relay.restore();
    let recovery = until_served(&client)?;
    printing::println!(
        "\nbehind {}, which checks /readyz: {answered} requests without the database got Roster's own 503 with Retry-After; \
         served again {:.1} s after it was back",
        proxy.version,
        recovery.as_secs_f64()
    );
    Ok(())
}

/// A problem document that says when to come back.
fn is_our_own(answer: &Answer) -> bool {
    answer.status == 503
        && answer.headers.contains_key("retry-after")
        && answer
            .field("content-type")
            .starts_with("application/problem+json")
}

fn until_served(client: &Client) -> Result<Duration> {
    let begun = Instant::now();
    loop {
        interrupt::check()?;
        let answer = client.send("GET", "/v1/users?limit=1", &[], "");
        if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
            return Ok(begun.elapsed());
        }
        ensure!(
            begun.elapsed() < LONGEST_RECOVERY,
            "not served {} s after the database was back: {answer:?}",
            LONGEST_RECOVERY.as_secs()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
