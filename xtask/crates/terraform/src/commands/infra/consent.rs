//! Consent before anything changes: a word from the terminal, or flags; on production, what is destroyed by its name.

use std::io::{IsTerminal, Write};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::BOLD;
use crate::infra::plan::SavedPlan;
use crate::infra::root::Root;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// What is agreed to.
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

/// Asks before anything changes: `yes` or a word from the terminal; by name for what is destroyed on production.
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
            "nobody is at the terminal to be asked".to_owned(),
            format!(
                "look at the plan above, then: --yes-destroy-everything-in {}",
                root.name
            ),
        ),
        Deed::Apply if unnamed.is_empty() || !root.is_guarded() => (
            "nobody is at the terminal to be asked".to_owned(),
            "look at the plan above, then add --yes".to_owned(),
        ),
        Deed::Apply => {
            let named: Vec<_> = unnamed
                .iter()
                .map(|address| format!("--allow-destroy '{address}'"))
                .collect();
            (
                format!("{} would be destroyed on {}", unnamed.join(", "), root.name),
                format!("if that is meant, name each: --yes {}", named.join(" ")),
            )
        }
    };
    let what = format!("{} was not agreed to", deed.verb());
    Failure::new(Kind::Refused, what, why, next).into()
}

fn expect_word(question: &str, word: &str) -> Result<()> {
    anstream::eprint!("{BOLD}{question}: {BOLD:#}");
    std::io::stderr().flush()?;
    if answer()?.trim() == word {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, "not agreed to; nothing was changed", "", "").into())
}

/// A line from the terminal. Ctrl-C is noted and not obeyed at once, so that the plan goes too: it is looked for here.
fn answer() -> Result<String> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line).map(|_| line);
        // Nobody listens any more after Ctrl-C.
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
