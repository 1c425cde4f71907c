//! `cargo xtask rollback`: rolls back to an earlier revision of the release.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::Result;

use super::status::print_revisions;
use crate::cli::RollbackArgs;
use crate::cluster::connection::of_installed;
use crate::cluster::end_state::EndState;
use crate::cluster::helm::Revision;
use crate::cluster::lock::Lock;
use crate::cluster::release;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// Runs the command.
pub(crate) fn run(args: &RollbackArgs) -> Result<()> {
    interrupt::watch()?;
    let (environment, helm) = of_installed(&args.cluster)?;
    if environment.confirm && !args.yes {
        return Err(Failure::new(
            Kind::Refused,
            format!("{} was not changed", environment.name),
            "rolling back production requires --yes",
            "pass --yes",
        )
        .into());
    }
    let history = helm.history()?;
    let revision = match args.revision {
        Some(revision) => history.iter().find(|known| known.number == revision),
        None => select(&history)?,
    };
    let Some(revision) = revision else {
        return Err(Failure::new(
            Kind::Usage,
            "there is no such revision",
            format!("the release has {} revisions", history.len()),
            format!("list them: cargo xtask status --env {}", environment.name),
        )
        .into());
    };
    let _lock = Lock::take(&helm.cluster)?;
    release::go_back_to(&helm, revision.number, Duration::from_secs(args.timeout))?;
    let now = EndState::read(&helm)?;
    printing::println!(
        "{} was rolled back to revision {} ({}): {now}",
        environment.name,
        revision.number,
        match revision.what() {
            "" => &revision.chart,
            what => what,
        }
    );
    Ok(())
}

/// The previous revision, or in a terminal the one that is chosen from the list.
fn select(history: &[Revision]) -> Result<Option<&Revision>> {
    let previous = release::previous(history);
    if !std::io::stdin().is_terminal() {
        return Ok(previous);
    }
    print_revisions(history);
    let default = previous.map_or_else(|| "none".to_owned(), |one| one.number.to_string());
    printing::eprint!("Roll back to which revision? [{default}] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(chosen(&answer, history, previous))
}

fn chosen<'a>(
    answer: &str,
    history: &'a [Revision],
    previous: Option<&'a Revision>,
) -> Option<&'a Revision> {
    match answer.trim() {
        "" => previous,
        number => {
            let number: u32 = number.parse().ok()?;
            history.iter().find(|known| known.number == number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::chosen;
    use crate::cluster::helm::Revision;

    #[test]
    fn no_answer_is_the_previous_revision_and_an_unknown_number_none() {
        let history: Vec<Revision> = (1..4)
            .map(|number| Revision {
                number,
                status: "superseded".to_owned(),
                chart: String::new(),
                updated: String::new(),
                description: String::new(),
            })
            .collect();
        let number =
            |answer: &str| chosen(answer, &history, history.get(1)).map(|revision| revision.number);
        assert_eq!(number("\n"), Some(2));
        assert_eq!(number("1\n"), Some(1));
        assert_eq!(number("9"), None);
        assert_eq!(number("x"), None);
    }
}
