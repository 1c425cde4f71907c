//! `cargo xtask pipelines set`: sets every pipeline.
//!
//! Run once by a person; afterwards, a push to master sets them all.

mod after;
mod branches;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::check;
use crate::cli::{PipelinesArgs, PipelinesCommand, PipelinesSetArgs};
use crate::concourse::Pipeline;
use xtask::run_tool::{Run, tool};
use xtask::tools;

const FOLDER: &str = "concourse/pipelines";
const VARIABLES: &str = "concourse/vars/roster.yml";

pub(crate) fn run(args: &PipelinesArgs) -> Result<()> {
    let PipelinesCommand::Set(args) = &args.command;
    set(args)
}

fn set(args: &PipelinesSetArgs) -> Result<()> {
    if !args.dry_run && !tools::is_installed("fly") {
        return Err(tools::missing("fly"));
    }
    check::pipelines::run()?;
    let (pipelines, variables) = read()?;
    let parsed = pipelines.iter().map(|(_, pipeline)| pipeline);
    branches::check(&branches::watched(parsed, &variables))?;
    for (name, _) in &pipelines {
        for command in commands(args, name) {
            if args.dry_run {
                printing::println!("{}", command.shown());
            } else {
                command.run()?;
            }
        }
    }
    printing::eprint!("{}", after::text(&pipelines, &variables, args));
    Ok(())
}

/// Pipelines with their names.
type Pipelines = Vec<(String, Pipeline)>;
/// The variables that are not secret.
type Variables = BTreeMap<String, Value>;

/// Every pipeline, and the variables.
fn read() -> Result<(Pipelines, Variables)> {
    let text =
        |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let parsed = |name: String| {
        let path = format!("{FOLDER}/{name}.yml");
        let pipeline = serde_saphyr::from_str(&text(&path)?)
            .with_context(|| format!("{path} is not a pipeline"))?;
        Ok((name, pipeline))
    };
    let pipelines = names()?.into_iter().map(parsed).collect::<Result<_>>()?;
    let variables = serde_saphyr::from_str(&text(VARIABLES)?)
        .with_context(|| format!("{VARIABLES} is not valid YAML"))?;
    Ok((pipelines, variables))
}

/// The pipelines of this repository, by name.
fn names() -> Result<Vec<String>> {
    let entries = std::fs::read_dir(FOLDER).with_context(|| format!("cannot list {FOLDER}"))?;
    let mut names = Vec::new();
    for entry in entries {
        let file = entry?.file_name();
        let file = Path::new(&file);
        if file.extension().is_some_and(|end| end == "yml")
            && let Some(name) = file.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// `fly` shows the changes and asks, unless `--yes` is given. Pipelines are exposed because notifications read a job's
/// history, and the `set_pipeline` step cannot expose them.
fn commands(args: &PipelinesSetArgs, name: &str) -> Vec<Run> {
    let fly = |arguments: &[&str]| tool("fly").args(["--target", &args.target]).args(arguments);
    let file = format!("{FOLDER}/{name}.yml");
    let mut set = fly(&[
        "set-pipeline",
        "--pipeline",
        name,
        "--config",
        &file,
        "--load-vars-from",
        VARIABLES,
    ]);
    if args.yes {
        set = set.arg("--non-interactive");
    }
    let mut commands = vec![set, fly(&["expose-pipeline", "--pipeline", name])];
    if !args.paused {
        commands.push(fly(&["unpause-pipeline", "--pipeline", name]));
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::{commands, names};
    use crate::cli::PipelinesSetArgs;

    fn arguments() -> PipelinesSetArgs {
        PipelinesSetArgs {
            target: "roster".into(),
            yes: false,
            paused: false,
            dry_run: false,
        }
    }

    #[test]
    fn a_person_is_asked_unless_they_said_yes() {
        let set = |yes| {
            let args = PipelinesSetArgs { yes, ..arguments() };
            commands(&args, "develop")[0].shown().to_owned()
        };
        assert!(
            set(false).starts_with("fly --target roster set-pipeline --pipeline develop")
                && !set(false).contains("--non-interactive")
        );
        assert!(set(true).ends_with("--non-interactive"));
    }

    #[test]
    fn a_pipeline_that_is_set_as_paused_is_not_unpaused() {
        let shown = |paused| {
            let args = PipelinesSetArgs {
                paused,
                ..arguments()
            };
            let commands = commands(&args, "develop").into_iter();
            commands
                .map(|command| command.shown().to_owned())
                .collect::<Vec<_>>()
        };
        let unpause = "fly --target roster unpause-pipeline --pipeline develop".to_owned();
        assert!(shown(false).contains(&unpause));
        assert!(!shown(true).contains(&unpause) && shown(true).len() == 2);
    }

    #[test]
    fn every_pipeline_is_set() {
        xtask::run_tool::enter_repository_root().expect("is there");
        assert_eq!(
            names().expect("are listed"),
            ["develop", "infrastructure", "master", "set-pipelines"]
        );
    }
}
