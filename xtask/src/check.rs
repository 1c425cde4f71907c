//! The areas of `cargo xtask check`, in one table.
//!
//! To add an area: write it in the crate of its subject, let its hidden command `check AREA` run it, and add its line here;
//! what needs no library at all may be a file below `check/`. A tool that is missing makes the area "not proven", never
//! passed: return `tools::missing(name)`.

mod clippy;
mod deny;
mod format;
mod scripts;

use anyhow::Result;
use xtask::program::Program;

/// One area of the repository that can be checked by itself.
pub(crate) struct Area {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// What a pass of it proves.
    pub(crate) proves: &'static str,
    /// What is run for it, one after the other.
    pub(crate) steps: &'static [Step],
}

/// A part of an area.
pub(crate) enum Step {
    /// It is in this program.
    Here(fn() -> Result<()>),
    /// It is the area of this name of another program.
    Of(Program, &'static str),
}

impl Area {
    /// Runs it to its end, or to the first step that fails.
    pub(crate) fn run(&self) -> Result<()> {
        self.steps.iter().try_for_each(|step| match step {
            Step::Here(run) => run(),
            Step::Of(program, area) => crate::dispatch::check(*program, area),
        })
    }
}

/// Every area, the quickest first.
pub(crate) const AREAS: &[Area] = &[
    Area {
        name: "format",
        proves: "all Rust is formatted by rustfmt",
        steps: &[Step::Here(format::run)],
    },
    Area {
        name: "layers",
        proves: "http, domain and store keep to their own (ARCHITECTURE.md)",
        steps: &[Step::Of(Program::Sources, "layers")],
    },
    Area {
        name: "pipelines",
        proves: "Concourse's pipelines, tasks and variables fit each other",
        steps: &[Step::Of(Program::Concourse, "pipelines")],
    },
    Area {
        name: "scripts",
        proves: "shellcheck finds nothing in any shell script",
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
        proves: "service/openapi.json is what the code says, and breaks no client of the last release",
        steps: &[Step::Of(Program::Service, "openapi")],
    },
    Area {
        name: "docs",
        proves: "rustdoc has no warning; links between Markdown files lead somewhere",
        steps: &[
            Step::Of(Program::Sources, "docs"),
            Step::Of(Program::Bench, "capacity"),
        ],
    },
    Area {
        name: "terraform",
        proves: "modules and environments: tests, controls, refused inputs, lint, policies, READMEs",
        steps: &[Step::Of(Program::Terraform, "terraform")],
    },
    Area {
        name: "rules",
        proves: "SLO rules, alerts with tests that catch every mutant, runbooks, dashboards, Alertmanager's routes",
        steps: &[Step::Of(Program::Prometheus, "rules")],
    },
];

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
