//! The areas of `cargo xtask check`, in one table; each is one file below `check/`.
//!
//! To add an area: write `check/<area>.rs` with `pub(crate) fn run() -> anyhow::Result<()>` and add its line here.
//! A tool that is missing makes the area "not proven", never passed: return `tools::missing(name)`.

mod chart;
mod clippy;
mod deny;
mod docs;
mod format;
mod layers;
mod openapi;
pub(crate) mod pipelines;
mod rules;
mod scripts;
mod terraform;

use anyhow::Result;

pub(crate) use terraform::run_mutations as run_terraform_mutations;

/// One area of the repository that can be checked by itself.
pub(crate) struct Area {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// What a pass of it proves.
    pub(crate) proves: &'static str,
    /// Runs it.
    pub(crate) run: fn() -> Result<()>,
}

/// Every area, the quickest first.
pub(crate) const AREAS: &[Area] = &[
    Area {
        name: "format",
        proves: "all Rust is formatted by rustfmt",
        run: format::run,
    },
    Area {
        name: "layers",
        proves: "http, domain and store keep to their own (ARCHITECTURE.md)",
        run: layers::run,
    },
    Area {
        name: "pipelines",
        proves: "Concourse's pipelines, tasks and variables fit each other",
        run: pipelines::run,
    },
    Area {
        name: "scripts",
        proves: "shellcheck finds nothing in any shell script",
        run: scripts::run,
    },
    Area {
        name: "deny",
        proves: "dependencies: licences, advisories, sources, bans",
        run: deny::run,
    },
    Area {
        name: "chart",
        proves: "the chart: lint, unit tests, Helm 3 and 4, Kubernetes' schemas, its README",
        run: chart::run,
    },
    Area {
        name: "clippy",
        proves: "all targets compile without a warning",
        run: clippy::run,
    },
    Area {
        name: "openapi",
        proves: "service/openapi.json is what the code says, and breaks no client of the last release",
        run: openapi::run,
    },
    Area {
        name: "docs",
        proves: "rustdoc has no warning; links between Markdown files lead somewhere",
        run: docs::run,
    },
    Area {
        name: "terraform",
        proves: "modules and environments: tests, controls, refused inputs, lint, policies, READMEs",
        run: terraform::run,
    },
    Area {
        name: "rules",
        proves: "SLO rules, alerts with tests that catch every mutant, runbooks, dashboards, Alertmanager's routes",
        run: rules::run,
    },
];

pub(crate) use rules::{
    MutantShare, control_mutations as control_rule_mutations, dashboard_paths, read_dashboard,
    run_mutations as run_rule_mutations, run_with_share as run_rules_with_share,
};

/// The names that the command line accepts.
pub(crate) fn area_names() -> Vec<&'static str> {
    AREAS.iter().map(|area| area.name).collect()
}

/// The table of areas for `cargo xtask check --help`.
pub(crate) fn areas_help() -> String {
    let lines = AREAS
        .iter()
        .map(|area| format!("\n  {:<12}{}", area.name, area.proves));
    format!("Areas:{}", lines.collect::<String>())
}
