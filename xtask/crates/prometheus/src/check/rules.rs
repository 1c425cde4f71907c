//! `cargo xtask check rules`: checks the monitoring configuration. Every part can fail and reports which file to
//! correct. Must not change any file: `cargo xtask generate rules` does.

mod alertmanager;
mod alerts;
mod dashboards;
mod mutants;
mod mutation_run;
mod promtool;

use anyhow::Result;

use crate::rule_files::{self, YamlFile};
use crate::slo;
use xtask::failure::{Failure, Kind};
use xtask::generated::{Mode, apply};

pub(crate) use dashboards::{paths as dashboard_paths, read as read_dashboard};
pub(crate) use mutation_run::{
    Share as MutantShare, control as control_mutations, run as run_mutations,
};

/// Checks rules, their tests, runbooks, dashboards, scrape and Alertmanager configuration.
pub(crate) fn run() -> Result<()> {
    let (rules, tests) = all_but_mutants()?;
    mutation_run::prove(&rules, &tests)
}

/// The same with a share of the mutants, if there is no time for all.
pub(crate) fn run_with_share(share: &MutantShare) -> Result<()> {
    let (rules, tests) = all_but_mutants()?;
    mutation_run::sample(&rules, &tests, share)
}

fn all_but_mutants() -> Result<(Vec<YamlFile>, Vec<YamlFile>)> {
    let rules = rule_files::read_folder("rules")?;
    let tests = rule_files::read_folder("tests")?;
    apply("rules", &slo::generated::all()?, Mode::Compare)?;
    let mut faults = alerts::faults(&rules, &tests);
    faults.extend(promtool::unordered(&rules, &tests));
    faults.extend(dashboards::faults()?);
    if !faults.is_empty() {
        let what = format!("{} fault(s) in prometheus/", faults.len());
        return Err(Failure::new(Kind::Check, what, faults.join("\n"), "correct them").into());
    }
    let alerts = rules
        .iter()
        .flat_map(YamlFile::rules)
        .filter(rule_files::Rule::is_alert)
        .count();
    let groups: usize = tests.iter().map(|file| file.tests().len()).sum();
    let promtools = promtool::at_hand()?;
    for promtool in &promtools {
        promtool::check(promtool, &rules)?;
        promtool::test(promtool, &tests)?;
        printing::eprintln!("promtool {}: all tests pass", promtool.version);
    }
    alertmanager::check()?;
    printing::eprintln!(
        "{alerts} alerts, {groups} groups of tests: all pass; runbooks, links, dashboards and routes are valid"
    );
    Ok((rules, tests))
}
