//! `cargo xtask rules`: generates files from `prometheus/slos.toml`, and runs mutation tests. Must not check the
//! generated files: `check rules` does.

use anyhow::Result;

use crate::check;
use crate::cli::RulesCommand;
use crate::slo;
use xtask::generated::{Mode, apply};
use xtask::git;

pub(crate) fn run(command: RulesCommand) -> Result<()> {
    match command {
        RulesCommand::Generate => apply("rules", &slo::generated::all()?, Mode::Write),
        RulesCommand::Check { share, seed } => {
            // Each commit selects other mutants, so that all are tested over time.
            let seed = seed.map_or_else(git::short_head, Ok)?;
            check::run_rules_with_share(&check::MutantShare {
                percent: share,
                seed,
            })
        }
        RulesCommand::Mutate {
            names,
            control: true,
        } => check::control_rule_mutations(&names),
        RulesCommand::Mutate { names, .. } => check::run_rule_mutations(&names),
    }
}
