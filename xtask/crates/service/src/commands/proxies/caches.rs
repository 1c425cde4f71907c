//! What caches in front do with `Cache-Control: private, no-cache`: nobody gets what was answered to somebody else, and
//! what a revalidation costs is printed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::call::Client;
use crate::proxy::{Duty, Program, Proxy};
use roster_dev::local_roster::LocalRoster;

const DUTY: Duty = Duty {
    compresses: false,
    caches: true,
    keeps_idle: Duration::from_secs(1),
    checks: None,
};
/// Roster logs a request before this has passed since its answer.
const LOGGED: Duration = Duration::from_secs(1);

pub(super) fn revalidation_through_caches(roster: &LocalRoster) -> Result<()> {
    printing::println!(
        "\n| cache in front | GET twice: Roster answers | GET with `If-None-Match`: Roster answers | the client gets |\n\
         | --- | --- | --- | ---: |"
    );
    for program in [Program::Nginx, Program::Varnish] {
        let proxy = Proxy::start(program, &roster.address(), DUTY)?;
        let (name, version) = (program.name(), &proxy.version);
        let client = Client::new(proxy.url(), roster);
        let at = client.create(&format!("{name}-cache"))?;
        let mut twice = Vec::new();
        for number in 1..=2 {
            let id = format!("{name}-read-{number}");
            let read = client.send("GET", &at, &[("x-request-id", &id)], "")?;
            ensure!(read.status == 200, "{version}: {read:?}");
            twice.push(answered(roster, &id)?);
        }
        ensure!(
            twice == [Some(200), Some(200)],
            "{version} answered from its store: {twice:?}"
        );
        let tag = client.send("GET", &at, &[], "")?.field("etag").to_owned();
        let id = format!("{name}-revalidation");
        let again = client.send(
            "GET",
            &at,
            &[("x-request-id", &id), ("if-none-match", &tag)],
            "",
        )?;
        ensure!(
            matches!(again.status, 200 | 304),
            "{version}: If-None-Match: {tag}: {again:?}"
        );
        let revalidated = answered(roster, &id)?;
        ensure!(
            revalidated.is_some(),
            "{version} answered from its store: {again:?}"
        );
        let stranger = client.without_token().send("GET", &at, &[], "")?;
        ensure!(
            stranger.status == 401,
            "{version} shows a user without a token: {stranger:?}"
        );
        let text = |status: Option<u64>| {
            status.map_or_else(|| "nothing".to_owned(), |status| status.to_string())
        };
        printing::println!(
            "| {version} | {}, {} | {} | {} |",
            text(twice[0]),
            text(twice[1]),
            text(revalidated),
            again.status
        );
    }
    Ok(())
}

/// The status with which Roster answered the request of this id; `None` if it never came.
fn answered(roster: &LocalRoster, id: &str) -> Result<Option<u64>> {
    let begun = Instant::now();
    loop {
        let log = roster.log()?;
        let mut lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let status = lines
            .find(|line| line["request_id"] == id)
            .and_then(|line| line["status"].as_u64());
        if status.is_some() || begun.elapsed() > LOGGED {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
