//! The areas of `cargo xtask generate`, in one table.
//!
//! To add an area: make its files in the crate of its subject, behind that crate's hidden command `generate AREA`, and
//! add its line here. What measurements make (`cargo xtask bench … --write`) is not an area: it cannot be compared.

mod command_list;
mod exit_codes;

use anyhow::Result;
use xtask::generated::{Generated, Mode, apply};
use xtask::program::Program;

/// Files that are made from one source.
pub(crate) struct Area {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// Which files, and from what.
    pub(crate) makes: &'static str,
    source: Source,
}

enum Source {
    /// This program makes them.
    Here(fn() -> Result<Vec<Generated>>),
    /// The area of this name in another program.
    Of(Program),
}

/// Every area, fastest first.
pub(crate) const AREAS: &[Area] = &[
    Area {
        name: "exit-codes",
        makes: "the table of exit codes in docs/delivery.md, from xtask/src/failure.rs",
        source: Source::Here(exit_codes::files),
    },
    Area {
        name: "rules",
        makes: "rules, dashboards, links and tables below prometheus/, from prometheus/slos.toml",
        source: Source::Of(Program::Prometheus),
    },
    Area {
        name: "values",
        makes: "the table of values in helm-chart/README.md, from values.yaml and its schema",
        source: Source::Of(Program::Delivery),
    },
    Area {
        name: "modules",
        makes: "the tables in the READMEs below terraform/, from variables and outputs",
        source: Source::Of(Program::Terraform),
    },
    Area {
        name: "openapi",
        makes: "service/openapi.json and service/openapi-scim.json, from the code",
        source: Source::Of(Program::Service),
    },
    Area {
        name: "settings",
        makes: "the tables of settings in service/README.md, from service/src/config.rs",
        source: Source::Of(Program::Service),
    },
    Area {
        name: "commands",
        makes: "xtask/commands.json, from the command line of every program",
        source: Source::Here(command_list::files),
    },
    Area {
        name: "prices",
        makes: "the prices in terraform/README.md, from plans and terraform/prices.toml (needs terraform)",
        source: Source::Of(Program::Terraform),
    },
];

impl Area {
    pub(crate) fn run(&self, mode: Mode) -> Result<()> {
        match self.source {
            Source::Here(files) => apply(self.name, &files()?, mode),
            Source::Of(program) => crate::dispatch::generate(program, self.name, mode),
        }
    }
}

pub(crate) fn area_names() -> impl Iterator<Item = &'static str> {
    AREAS.iter().map(|area| area.name)
}

/// The areas for `--help`.
pub(crate) fn areas_help() -> String {
    let lines: Vec<_> = AREAS
        .iter()
        .map(|area| format!("  {:<12} {}", area.name, area.makes))
        .collect();
    format!("Areas:\n{}", lines.join("\n"))
}
