//! `cargo xtask rules`: generates files from `prometheus/slos.toml`, and runs mutation tests. Must not check the
//! generated files: `check rules` does.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::check;
use crate::cli::RulesCommand;
use crate::rule_files::FOLDER;
use crate::slo;
use xtask::git;

pub(crate) fn run(command: RulesCommand) -> Result<()> {
    match command {
        RulesCommand::Generate => generate(),
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

fn generate() -> Result<()> {
    let folder = Path::new(FOLDER);
    let made = slo::generated::files(folder, &slo::read(folder)?)?;
    let mut changed = 0;
    for file in &made {
        if fs::read_to_string(&file.path).is_ok_and(|text| text == file.text) {
            continue;
        }
        fs::write(&file.path, &file.text)
            .with_context(|| format!("cannot write {}", file.path.display()))?;
        printing::eprintln!("wrote {}", file.path.display());
        changed += 1;
    }
    for path in slo::generated::leftovers(folder, &made)? {
        fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))?;
        printing::eprintln!("deleted {}: no objective needs it", path.display());
        changed += 1;
    }
    printing::eprintln!(
        "{changed} of {} files changed; look at them with: git diff prometheus",
        made.len()
    );
    Ok(())
}
