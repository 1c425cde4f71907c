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
    let verb = |writes: &'static str, compares: &'static str| match mode {
        Mode::Write => writes,
        Mode::Compare => compares,
    };
    let (kind, what, next, names) = if !failed.is_empty() {
        let next = verb(
            "fix the problems above, then: cargo xtask generate",
            "commit what changes after: cargo xtask generate",
        );
        (
            Kind::Check,
            verb("failed", "not as generated"),
            next,
            failed,
        )
    } else if !unproven.is_empty() {
        let next = verb(
            "install the tools named above, then: cargo xtask generate",
            "install the tools named above, then: cargo xtask generate --check",
        );
        let what = verb("not generated", "not compared");
        (Kind::Missing, what, next, unproven)
    } else {
        return Ok(());
    };
    let names = names.join(" ");
    Err(Failure::new(
        kind,
        format!("{what}: {names}"),
        "",
        format!("{next} {names}"),
    )
    .into())
}
