//! The areas of `cargo xtask check`, in one table.
//!
//! To add an area: write it in the crate of its subject, run it from that crate's hidden command `check AREA`, and add
//! its line here. An area without dependencies can be a file below `check/`. A missing tool makes the area "not
//! proven", never passed: return `tools::missing(name)`.

mod clippy;
mod deny;
mod format;
mod lock_files;
mod scripts;

use anyhow::Result;
use xtask::program::Program;

/// One area of the repository that can be checked separately.
pub(crate) struct Area {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// What a pass proves.
    pub(crate) proves: &'static str,
    /// Its steps, run in order.
    pub(crate) steps: &'static [Step],
}

/// A part of an area.
pub(crate) enum Step {
    /// In this program.
    Here(fn() -> Result<()>),
    /// The area of this name in another program.
    Of(Program, &'static str),
}

impl Area {
    /// Runs its steps, up to the first failure.
    pub(crate) fn run(&self) -> Result<()> {
        self.steps.iter().try_for_each(|step| match step {
            Step::Here(run) => run(),
            Step::Of(program, area) => crate::dispatch::check(*program, area),
        })
    }
}

/// Every area, fastest first.
pub(crate) const AREAS: &[Area] = &[
    Area {
        name: "format",
        proves: "all Rust is formatted by rustfmt",
        steps: &[Step::Here(format::run)],
    },
    Area {
        name: "lock-files",
        proves: "every Cargo.lock fits its manifest",
        steps: &[Step::Here(lock_files::run)],
    },
    Area {
        name: "layers",
        proves: "http, domain and store depend on each other only as ARCHITECTURE.md allows",
        steps: &[Step::Of(Program::Sources, "layers")],
    },
    Area {
        name: "pipelines",
        proves: "Concourse's pipelines, tasks and variables are valid and consistent",
        steps: &[Step::Of(Program::Concourse, "pipelines")],
    },
    Area {
        name: "scripts",
        proves: "shellcheck reports nothing for any shell script",
        steps: &[Step::Here(scripts::run)],
    },
    Area {
        name: "deny",
        proves: "dependencies: licences, advisories, sources, bans",
        steps: &[Step::Here(deny::run)],
    },
    Area {
        name: "chart",
        proves: "the chart: lint, unit tests, Helm 3 and 4, Kubernetes' schemas, its README",
        steps: &[Step::Of(Program::Delivery, "chart")],
    },
    Area {
        name: "clippy",
        proves: "all targets compile without a warning",
        steps: &[Step::Here(clippy::run)],
    },
    Area {
        name: "openapi",
        proves: "service/openapi.json and openapi-scim.json match the code and break no client of the last release",
        steps: &[Step::Of(Program::Service, "openapi")],
    },
    Area {
        name: "docs",
        proves: "rustdoc has no warning; relative links in Markdown resolve; no word of the word list is used",
        steps: &[
            Step::Of(Program::Sources, "docs"),
            Step::Of(Program::Bench, "capacity"),
        ],
    },
    Area {
        name: "terraform",
        proves: "modules and environments: tests, controls, rejected inputs, lint, policies, READMEs",
        steps: &[Step::Of(Program::Terraform, "terraform")],
    },
    Area {
        name: "rules",
        proves: "SLO rules, alerts with tests that catch every mutant, runbooks, dashboards, Alertmanager's routes",
        steps: &[Step::Of(Program::Prometheus, "rules")],
    },
];

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
