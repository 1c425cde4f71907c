//! `cargo xtask pipelines set`: sets the pipeline that sets all the others.
//!
//! Done once by a person; from then on a push to master sets them all.

use anyhow::Result;

use crate::check;
use crate::cli::{PipelinesArgs, PipelinesCommand, PipelinesSetArgs};
use crate::run_tool::{Run, tool};
use crate::tools;

const NAME: &str = "set-pipelines";

pub(crate) fn run(args: &PipelinesArgs) -> Result<()> {
    let PipelinesCommand::Set(args) = &args.command;
    set(args)
}

fn set(args: &PipelinesSetArgs) -> Result<()> {
    if !args.dry_run && !tools::is_installed("fly") {
        return Err(tools::missing("fly"));
    }
    check::pipelines::run()?;
    for command in commands(args) {
        if args.dry_run {
            println!("{}", command.shown());
        } else {
            command.run()?;
        }
    }
    Ok(())
}

/// `fly` shows what it would change and asks, unless told not to.
fn commands(args: &PipelinesSetArgs) -> [Run; 3] {
    let fly = |arguments: &[&str]| tool("fly").args(["--target", &args.target]).args(arguments);
    let file = format!("concourse/pipelines/{NAME}.yml");
    let mut set = fly(&[
        "set-pipeline",
        "--pipeline",
        NAME,
        "--config",
        &file,
        "--load-vars-from",
        "concourse/vars/roster.yml",
    ]);
    if args.yes {
        set = set.arg("--non-interactive");
    }
    [
        set,
        fly(&["unpause-pipeline", "--pipeline", NAME]),
        fly(&["trigger-job", "--job", "set-pipelines/build-toolchain"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::commands;
    use crate::cli::PipelinesSetArgs;

    #[test]
    fn a_person_is_asked_unless_they_said_yes() {
        let set = |yes| {
            commands(&PipelinesSetArgs {
                target: "roster".into(),
                yes,
                dry_run: false,
            })[0]
                .shown()
                .to_owned()
        };
        assert!(
            set(false).starts_with("fly --target roster set-pipeline")
                && !set(false).contains("--non-interactive")
        );
        assert!(set(true).ends_with("--non-interactive"));
    }
}
