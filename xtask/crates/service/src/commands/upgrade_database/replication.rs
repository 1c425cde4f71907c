//! Logical replication from the old server to the new one, and a switch-over under load: Roster has both addresses and
//! `target_session_attrs=read-write`, and goes by itself to the one that takes writes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use roster_dev::local_roster::service;
use xtask::run_tool::tool;

use super::databases::{Databases, Part, Server};
use super::held::Held;
use crate::commands::standby::{by_status, until};
use crate::watched_roster::WatchedRoster;

const LIMIT: Duration = Duration::from_mins(2);
const IS_READ_ONLY: &str = "SHOW default_transaction_read_only";
/// Transactions that began before; the senders of replication go on.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()";
/// Replication carries rows, not sequences.
const SET_SEQUENCE: &str = "SELECT setval(pg_get_serial_sequence('user_changes', 'position'),
    GREATEST((SELECT max(position) FROM user_changes), (SELECT through FROM user_changes_swept), 1))";
const SEQUENCE: &str = "SELECT last_value::text FROM user_changes_position_seq";
const NEWEST_POSITION: &str = "SELECT max(position)::text FROM user_changes";
const TABLES: &str =
    "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = 'public'";
const ROWS: &str = "SELECT concat_ws(', ', (SELECT count(*) FROM users) || ' users', (SELECT count(*) FROM user_changes) \
    || ' changes', (SELECT count(*) FROM idempotency_keys) || ' idempotency keys')";

pub(super) fn run(from: u32, to: u32) -> Result<()> {
    let databases = Databases::start(from, to)?;
    let (old, new) = (&databases.old, &databases.new);
    let begun = Instant::now();
    let say = |what: &str| printing::eprintln!("{:>6.1} s  {what}", begun.elapsed().as_secs_f64());
    let before = WatchedRoster::start_on(databases.old_url())?;
    until(LIMIT, "requests succeed", || before.answered().0 >= 300)?;
    let held = Held::take(&before.address())?;
    subscribe(&databases)?;
    say("the new server follows");

    // A rollout gives Roster both addresses.
    let hosts = format!("{},{}", old.part(Part::Host)?, new.part(Part::Host)?);
    let url = databases.old_url().replace(old.part(Part::Host)?, &hosts);
    let mut roster = WatchedRoster::start_on(&format!("{url}?target_session_attrs=read-write"))?;
    ensure!(
        before.answered().1 == 0,
        "requests failed beside the replication"
    );
    drop(before);
    until(LIMIT, "requests succeed", || roster.answered().0 >= 300)?;
    ensure!(
        roster.answered().1 == 0,
        "requests failed before the switch-over"
    );

    let stopped = Instant::now();
    let handed_over = switch_over(&databases)?;
    let took = stopped.elapsed();
    say("the new server takes writes");
    let served = roster.answered().0 + 300;
    until(LIMIT, "requests succeed again", || {
        roster.answered().0 >= served
    })?;
    let proven = held.prove(&roster.address())?;
    let failures = roster.failures();
    let (created, lost) = roster.lost()?;
    printing::println!(
        "replication {from} → {to}: {} calls answered well; failed: {}, none before the switch-over; no server took writes \
         for {:.1} s; {lost} of {created} acknowledged users are lost; {handed_over}; {proven}",
        roster.answered().0,
        by_status(&failures),
        took.as_secs_f64()
    );
    ensure!(lost == 0, "acknowledged users are lost");
    let others = failures.keys().any(|status| *status != 503);
    ensure!(
        !others,
        "calls failed with something other than 503: {}",
        by_status(&failures)
    );
    Ok(())
}

/// The new server gets the schema, then every row, then every change; until the switch-over nobody else writes there.
fn subscribe(databases: &Databases) -> Result<()> {
    let (old, new) = (&databases.old, &databases.new);
    tool(service::build(false)?.display().to_string())
        .arg("migrate")
        .secret_env("ROSTER_DATABASE_URL", databases.new_url()?)
        .output()?;
    // The rows that a migration makes come from the old server as well.
    let tables = databases.value(new, TABLES)?;
    databases.execute(new, &format!("TRUNCATE {tables}"))?;
    make_read_only(databases, new)?;
    databases.execute(old, "CREATE PUBLICATION upgrade FOR ALL TABLES")?;
    let (host, password) = (old.part(Part::Host)?, old.part(Part::Password)?);
    let (address, port) = host.split_once(':').context("an address without a port")?;
    let subscription = format!(
        "CREATE SUBSCRIPTION upgrade CONNECTION 'host={address} port={port} dbname=roster user=roster password={password}' \
         PUBLICATION upgrade"
    );
    databases.execute(new, &subscription)?;
    let ready =
        "SELECT (count(*) > 0 AND bool_and(srsubstate = 'r'))::text FROM pg_subscription_rel";
    databases.until(new, ready, "true")
}

/// The steps of an operator; returns what was handed over, in words.
fn switch_over(databases: &Databases) -> Result<String> {
    let (old, new) = (&databases.old, &databases.new);
    make_read_only(databases, old)?;
    databases.execute(old, END_SESSIONS)?;
    let written = databases.value(old, "SELECT pg_current_wal_lsn()::text")?;
    let has_arrived = format!(
        "SELECT (confirmed_flush_lsn >= '{written}')::text FROM pg_replication_slots WHERE slot_name = 'upgrade'"
    );
    databases.until(old, &has_arrived, "true")?;
    let (sent, arrived) = (databases.value(old, ROWS)?, databases.value(new, ROWS)?);
    ensure!(
        sent == arrived,
        "the old server has {sent}, the new one {arrived}"
    );
    let sequence = databases.value(new, SEQUENCE)?;
    databases.execute(new, SET_SEQUENCE)?;
    let newest = databases.value(new, NEWEST_POSITION)?;
    databases.execute(new, "DROP SUBSCRIPTION upgrade")?;
    databases.execute(new, "ALTER SYSTEM RESET default_transaction_read_only")?;
    databases.execute(new, "SELECT pg_reload_conf()")?;
    databases.until(new, IS_READ_ONLY, "off")?;
    Ok(format!(
        "{arrived} on both servers; the sequence of positions stood at {sequence} on the new one, and the newest position \
         is {newest}: it was set"
    ))
}

/// Also for the sessions that are open: the setting is that of the server.
fn make_read_only(databases: &Databases, server: &Server) -> Result<()> {
    databases.execute(
        server,
        "ALTER SYSTEM SET default_transaction_read_only = on",
    )?;
    databases.execute(server, "SELECT pg_reload_conf()")?;
    databases.until(server, IS_READ_ONLY, "on")
}
