//! A client behind a proxy that compresses sends the tags that it was given, and they have to hold.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::call::{Client, user};
use crate::proxy::{Duty, Program, Proxy};
use roster_dev::local_roster::LocalRoster;

const DUTY: Duty = Duty {
    compresses: true,
    caches: false,
    keeps_idle: Duration::from_secs(1),
    checks: None,
};
const GZIP: (&str, &str) = ("accept-encoding", "gzip");

pub(super) fn behind_compressing_proxies(roster: &LocalRoster) -> Result<()> {
    printing::println!(
        "| proxy that compresses | `ETag` of Roster | as it arrives | read again | its `ETag` | PUT | PUT with a stale tag | DELETE |\n\
         | --- | --- | --- | ---: | --- | ---: | ---: | ---: |"
    );
    for program in Program::REVERSE_PROXIES {
        let proxy = Proxy::start(program, &roster.address(), DUTY)?;
        story(roster, program, &proxy)?;
    }
    Ok(())
}

fn story(roster: &LocalRoster, program: Program, proxy: &Proxy) -> Result<()> {
    let version = &proxy.version;
    let client = Client::new(proxy.url(), roster);
    let name = program.name();
    let at = client.create(name)?;
    let direct = Client::new(roster.url(), roster).send("GET", &at, &[], "")?;
    let read = client.send("GET", &at, &[GZIP], "")?;
    // Otherwise the proxy leaves the tag as it is, and this proves nothing.
    ensure!(
        read.field("content-encoding") == "gzip",
        "{version} does not compress: {read:?}"
    );
    let tag = read.field("etag");
    ensure!(!tag.is_empty(), "{version} removes the tag: {read:?}");
    let again = client.send("GET", &at, &[GZIP, ("if-none-match", tag)], "")?;
    ensure!(
        again.status == 304,
        "{version}: If-None-Match: {tag}: {again:?}"
    );
    // Caddy takes the suffix off before it asks, so that Roster does not see it.
    ensure!(
        program == Program::Caddy || again.field("etag") == tag,
        "{version}: the 304 of {tag} has another tag: {again:?}"
    );
    let changed = user(&format!("{name}-2"));
    let condition = [GZIP, ("if-match", tag)];
    let put = client.send("PUT", &at, &condition, &changed)?;
    ensure!(put.status == 200, "{version}: If-Match: {tag}: {put:?}");
    ensure!(
        put.field("content-encoding") == "gzip",
        "{version} does not compress: {put:?}"
    );
    // The tag that came with the change, compressed as well, holds; the one before it does not any more.
    let stale = client.send("PUT", &at, &condition, &user(&format!("{name}-3")))?;
    ensure!(
        stale.status == 412,
        "{version}: a stale If-Match: {tag}: {stale:?}"
    );
    let patch = client.send(
        "PATCH",
        &at,
        &[GZIP, ("if-match", put.field("etag"))],
        r#"{"title":"T"}"#,
    )?;
    ensure!(patch.status == 200, "{version}: {patch:?}");
    let stale_delete = client.send("DELETE", &at, &[("if-match", put.field("etag"))], "")?;
    ensure!(stale_delete.status == 412, "{version}: {stale_delete:?}");
    // Without a coding: the tag is Roster's own.
    let plain = client.send("GET", &at, &[("accept-encoding", "identity")], "")?;
    let delete = client.send("DELETE", &at, &[("if-match", plain.field("etag"))], "")?;
    ensure!(delete.status == 204, "{version}: {delete:?}");
    printing::println!(
        "| {version} | `{}` | `{tag}` | {} | `{}` | {} | {} | {} |",
        direct.field("etag"),
        again.status,
        again.field("etag"),
        put.status,
        stale.status,
        delete.status
    );
    Ok(())
}
