//! `cargo xtask dashboards`: runs every query of every dashboard on a real Prometheus that scrapes a real Roster, and
//! draws the results. An empty panel is a failure. Must not know how an image is drawn: that is `picture.rs`.

mod data;
mod picture;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::alerts::start_prometheus;
use crate::check;
use crate::cli::DashboardsArgs;
use crate::prometheus_servers::Server;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask_service::watched_roster::WatchedRoster;

const PAGE: &str = "docs/dashboards.md";
const PICTURES: &str = "docs/dashboards";

pub(crate) fn run(args: &DashboardsArgs) -> Result<()> {
    interrupt::watch()?;
    let mut roster = WatchedRoster::start()?;
    // This outage must not notify anybody: no Alertmanager listens there.
    let prometheus = start_prometheus(None, &roster.metrics_targets(), "127.0.0.1:9", 1, &[])?;
    let begun = Instant::now();
    live(
        &mut roster,
        Duration::from_secs(u64::from(args.minutes) * 60),
    )?;
    let dashboards: Vec<Value> = check::dashboard_paths()?
        .iter()
        .map(|path| check::read_dashboard(path))
        .collect::<Result<_>>()?;
    let mut empty = Vec::new();
    let mut pictures = Vec::new();
    for dashboard in &dashboards {
        let data = data::ask(&prometheus, dashboard, begun.elapsed(), &mut empty)?;
        pictures.push((dashboard, picture::draw(dashboard, &data)));
    }
    if !empty.is_empty() {
        let what = format!("{} queries return nothing", empty.len());
        return Err(Failure::new(
            Kind::Check,
            what,
            empty.join("\n"),
            "correct them in xtask/crates/prometheus/src/slo/dashboards.rs, or add the metric to Roster",
        )
        .into());
    }
    let queries: usize = dashboards.iter().map(data::count_queries).sum();
    printing::eprintln!(
        "{} dashboards, {queries} queries: every one returns data",
        dashboards.len()
    );
    if args.draw {
        write(&pictures, args.minutes, &prometheus)
    } else {
        Ok(())
    }
}

/// Some minutes of operation: load, a database outage, load, one replica replaced, load.
fn live(roster: &mut WatchedRoster, whole: Duration) -> Result<()> {
    let begun = Instant::now();
    let until = |share: f64, what: &str| -> Result<()> {
        printing::eprintln!("{:>5.0} s  {what}", begun.elapsed().as_secs_f64());
        while begun.elapsed() < whole.mul_f64(share) {
            interrupt::check()?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    };
    until(0.4, "load only")?;
    roster.cut_database();
    until(0.5, "the database cannot be reached")?;
    roster.restore_database();
    until(0.7, "the database can be reached again")?;
    roster.restart_replica()?;
    until(1.0, "one replica was replaced")
}

fn write(pictures: &[(&Value, String)], minutes: u32, prometheus: &Server) -> Result<()> {
    let version = prometheus.version()?;
    let mut page = format!(
        "# Dashboards\n\nDrawn by `cargo xtask dashboards --draw` from what Prometheus {version} answered to the dashboards' own queries: {minutes} \
         minutes of two replicas under a light load, with an outage of the database and, later, one replica replaced. Dashed across: roll-outs (blue) and alerts that begin to fire (red); \
         dotted along: a limit. Grafana draws them more finely; what stands in them is the same. The JSON is in [helm-chart/dashboards](../helm-chart/dashboards), \
         made from [slos.toml](../prometheus/slos.toml).\n"
    );
    fs::create_dir_all(PICTURES).with_context(|| format!("cannot make {PICTURES}"))?;
    for (dashboard, svg) in pictures {
        let (uid, title) = (
            dashboard["uid"].as_str().unwrap_or_default(),
            dashboard["title"].as_str().unwrap_or_default(),
        );
        let path = Path::new(PICTURES).join(format!("{uid}.svg"));
        fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))?;
        printing::eprintln!("wrote {}", path.display());
        let description = dashboard["description"].as_str().unwrap_or_default();
        let _ = write!(
            page,
            "\n## {title}\n\n{description}\n\n![{title}](dashboards/{uid}.svg)\n"
        );
    }
    fs::write(PAGE, page).with_context(|| format!("cannot write {PAGE}"))
}
