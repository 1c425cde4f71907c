//! Confirmation before anything changes: at the terminal, or with flags; on production, each destroyed resource by
//! address.

use std::io::{IsTerminal, Write};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::BOLD;
use crate::infra::plan::SavedPlan;
use crate::infra::root::Root;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

#[derive(Clone, Copy)]
pub(super) enum Deed {
    Apply,
    Destroy,
}

impl Deed {
    fn verb(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Destroy => "destroy",
        }
    }
}

/// Asks before anything changes: for `yes`, or for the address of each resource destroyed on production.
pub(super) fn consent(
    root: &Root,
    plan: &SavedPlan,
    yes: bool,
    allowed: &[String],
    deed: Deed,
) -> Result<()> {
    let verb = deed.verb();
    let destructive: Vec<_> = plan
        .summary
        .destructive()
        .map(|change| change.address.clone())
        .collect();
    let unnamed: Vec<_> = destructive
        .iter()
        .filter(|address| !allowed.contains(address))
        .cloned()
        .collect();
    if yes && (unnamed.is_empty() || !root.is_guarded()) {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(not_asked(root, &unnamed, deed));
    }
    if root.is_guarded() {
        for address in &unnamed {
            expect_word(
                &format!("This destroys {address}. Type its address to go on"),
                address,
            )?;
        }
        return expect_word(&format!("Type {} to {verb}", root.name), &root.name);
    }
    expect_word(&format!("Type yes to {verb}"), "yes")
}

fn not_asked(root: &Root, unnamed: &[String], deed: Deed) -> anyhow::Error {
    let (why, next) = match deed {
        Deed::Destroy => (
            "confirmation is required, and standard input is not a terminal".to_owned(),
            format!(
                "review the plan above, then add --yes-destroy-everything-in {}",
                root.name
            ),
        ),
        Deed::Apply if unnamed.is_empty() || !root.is_guarded() => (
            "confirmation is required, and standard input is not a terminal".to_owned(),
            "review the plan above, then add --yes".to_owned(),
        ),
        Deed::Apply => {
            let named: Vec<_> = unnamed
                .iter()
                .map(|address| format!("--allow-destroy '{address}'"))
                .collect();
            (
                format!("{} would be destroyed on {}", unnamed.join(", "), root.name),
                format!("if this is intended, allow each: --yes {}", named.join(" ")),
            )
        }
    };
    let what = format!("{} was not confirmed", deed.verb());
    Failure::new(Kind::Refused, what, why, next).into()
}

fn expect_word(question: &str, word: &str) -> Result<()> {
    printing::eprint!("{BOLD}{question}: {BOLD:#}");
    std::io::stderr().flush()?;
    if answer()?.trim() == word {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, "not confirmed; nothing was changed", "", "").into())
}

/// Reads a line from the terminal. Ctrl-C is checked here instead of ending the process at once, so that the plan is
/// removed too.
fn answer() -> Result<String> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line).map(|_| line);
        // After Ctrl-C, the receiver is gone.
        let _ = said.send(read);
    });
    loop {
        match heard.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => return line.context("cannot read the answer"),
            Err(mpsc::RecvTimeoutError::Timeout) if !interrupt::requested() => {}
            Err(_) => {
                let what = "interrupted; nothing was changed";
                return Err(Failure::new(Kind::Interrupted, what, "", "").into());
            }
        }
    }
}
