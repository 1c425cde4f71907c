//! `cargo xtask check`: runs areas one after the other and prints a table.
//!
//! It knows nothing about what an area checks: that is in `check/<area>.rs`.

use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::Result;

use crate::check::{AREAS, Area};
use crate::cli::CheckArgs;
use xtask::failure::{self, Failure, Kind};
use xtask::interrupt;

struct Verdict {
    area: &'static Area,
    outcome: Result<()>,
    took: Duration,
}

pub(crate) fn run(args: &CheckArgs) -> Result<()> {
    let chosen: Vec<_> = AREAS
        .iter()
        .filter(|area| args.areas.is_empty() || args.areas.iter().any(|name| name == area.name))
        .collect();
    let mut verdicts = Vec::with_capacity(chosen.len());
    for (index, area) in chosen.iter().enumerate() {
        const BOLD: Style = Style::new().bold();
        printing::eprintln!(
            "{BOLD}[{}/{}] {}{BOLD:#}: {}",
            index + 1,
            chosen.len(),
            area.name,
            area.proves
        );
        let begun = Instant::now();
        let outcome = area.run();
        if let Err(error) = &outcome {
            failure::report(error);
        }
        verdicts.push(Verdict {
            area,
            outcome,
            took: begun.elapsed(),
        });
        if was_interrupted(&verdicts) {
            break;
        }
    }
    print_table(&verdicts);
    conclude(&verdicts)
}

fn was_interrupted(verdicts: &[Verdict]) -> bool {
    let code = |verdict: &Verdict| verdict.outcome.as_ref().err().map(failure::exit_code);
    verdicts
        .iter()
        .any(|verdict| code(verdict) == Some(Kind::Interrupted.exit_code()))
}

fn print_table(verdicts: &[Verdict]) {
    const GREEN: Style = AnsiColor::Green.on_default();
    const RED: Style = AnsiColor::Red.on_default();
    const YELLOW: Style = AnsiColor::Yellow.on_default();
    printing::eprintln!();
    for verdict in verdicts {
        let (style, word, why) = match &verdict.outcome {
            Ok(()) => (GREEN, "passed", String::new()),
            Err(error) if is_missing(error) => (YELLOW, "NOT PROVEN", format!("  {error}")),
            Err(error) => (RED, "FAILED", format!("  {error}")),
        };
        let seconds = verdict.took.as_secs_f64();
        printing::eprintln!(
            "  {:<12} {style}{word:<10}{style:#} {seconds:>6.1} s{why}",
            verdict.area.name
        );
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    failure::exit_code(error) == Kind::Missing.exit_code()
}

fn conclude(verdicts: &[Verdict]) -> Result<()> {
    if was_interrupted(verdicts) {
        return Err(interrupt::failure());
    }
    let names = |missing: bool| {
        let picked = verdicts.iter().filter(|verdict| {
            verdict
                .outcome
                .as_ref()
                .is_err_and(|error| is_missing(error) == missing)
        });
        picked
            .map(|verdict| verdict.area.name)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (failed, unproven) = (names(false), names(true));
    if !failed.is_empty() {
        let next = format!("fix the problems above, then: cargo xtask check {failed}");
        return Err(Failure::new(Kind::Check, format!("failed: {failed}"), "", next).into());
    }
    if !unproven.is_empty() {
        let next = format!("install the tools named above, then: cargo xtask check {unproven}");
        return Err(Failure::new(
            Kind::Missing,
            format!("not proven: {unproven}"),
            "a tool is missing",
            next,
        )
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{AREAS, Verdict, conclude};
    use std::time::Duration;
    use xtask::failure::{Failure, Kind, exit_code};

    fn verdict(outcome: anyhow::Result<()>) -> Verdict {
        Verdict {
            area: &AREAS[0],
            outcome,
            took: Duration::ZERO,
        }
    }

    fn failure(kind: Kind) -> anyhow::Result<()> {
        Err(Failure::new(kind, "it", "", "").into())
    }

    #[test]
    fn a_missing_tool_is_never_a_pass() {
        let error = conclude(&[verdict(Ok(())), verdict(failure(Kind::Missing))])
            .expect_err("is not proven");
        assert_eq!(exit_code(&error), 3);
    }

    #[test]
    fn a_failed_area_outweighs_a_missing_tool() {
        let verdicts = [
            verdict(failure(Kind::Missing)),
            verdict(failure(Kind::Check)),
        ];
        assert_eq!(exit_code(&conclude(&verdicts).expect_err("has failed")), 1);
    }

    #[test]
    fn all_passed_is_a_pass() {
        assert!(conclude(&[verdict(Ok(()))]).is_ok());
    }
}
