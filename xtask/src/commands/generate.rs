//! `cargo xtask generate`: writes generated files, or compares them. It knows nothing of how they are made.

use anyhow::Result;

use crate::cli::GenerateArgs;
use crate::generate::AREAS;
use xtask::failure::{self, Failure, Kind};
use xtask::generated::Mode;
use xtask::interrupt;

pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let mode = Mode::of(args.check);
    let (mut failed, mut unproven) = (Vec::new(), Vec::new());
    for area in AREAS
        .iter()
        .filter(|area| args.areas.is_empty() || args.areas.iter().any(|name| name == area.name))
    {
        printing::eprintln!("{}: {}", area.name, area.makes);
        let Err(error) = area.run(mode) else {
            continue;
        };
        failure::report(&error);
        let code = failure::exit_code(&error);
        if code == Kind::Interrupted.exit_code() {
            return Err(interrupt::failure());
        }
        let is_missing = code == Kind::Missing.exit_code();
        if is_missing {
            &mut unproven
        } else {
            &mut failed
        }
        .push(area.name);
    }
    let end = |kind, what: &str, names: &[&str], next: &str| {
        let names = names.join(" ");
        Err(Failure::new(
            kind,
            format!("{what}: {names}"),
            "",
            format!("{next} {names}"),
        )
        .into())
    };
    match (mode, &failed[..], &unproven[..]) {
        (_, [], []) => Ok(()),
        (Mode::Compare, [], names) => end(
            Kind::Missing,
            "not compared",
            names,
            "install the tools named above, then: cargo xtask generate --check",
        ),
        (Mode::Write, [], names) => end(
            Kind::Missing,
            "not generated",
            names,
            "install the tools named above, then: cargo xtask generate",
        ),
        (Mode::Compare, names, _) => end(
            Kind::Check,
            "not as generated",
            names,
            "commit what changes after: cargo xtask generate",
        ),
        (Mode::Write, names, _) => end(
            Kind::Check,
            "failed",
            names,
            "fix the problems above, then: cargo xtask generate",
        ),
    }
}
