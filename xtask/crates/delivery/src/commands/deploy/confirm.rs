//! Asks before production is changed.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;

use crate::cluster::environment::Environment;
use xtask::failure::{Failure, Kind};

/// Asks for the environment's name where changes are asked about.
pub(super) fn confirm(environment: &Environment, yes: bool) -> Result<()> {
    if !environment.confirm || yes {
        return Ok(());
    }
    let refused = |why: &str| {
        Failure::new(
            Kind::Refused,
            format!("{} was not changed", environment.name),
            why,
            "run it again and answer with the environment's name, or pass --yes",
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(
            refused("it requires confirmation, and standard input is not a terminal").into(),
        );
    }
    printing::eprint!("Change {}? Type its name: ", environment.name);
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == environment.name {
        return Ok(());
    }
    Err(refused("the answer was not its name").into())
}
