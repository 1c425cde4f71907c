//! Whether the checked-in files are what `prometheus/slos.toml` says today.
//! Must not write: the command that does is named in the fault.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::rule_files::FOLDER;
use crate::slo;

/// Every made file that differs, is missing, or is no longer asked for.
pub(crate) fn faults() -> Result<Vec<String>> {
    let folder = Path::new(FOLDER);
    let made = slo::generated::files(folder, &slo::read(folder)?)?;
    let mut faults: Vec<String> = made
        .iter()
        .filter_map(|file| {
            let path = file.path.display();
            match fs::read_to_string(&file.path) {
                Ok(text) if text == file.text => None,
                Ok(text) => {
                    let line = 1 + text
                        .lines()
                        .zip(file.text.lines())
                        .take_while(|(is, must)| is == must)
                        .count();
                    Some(format!(
                        "{path}:{line}: differs from what prometheus/slos.toml says"
                    ))
                }
                Err(_) => Some(format!("{path}: missing")),
            }
        })
        .collect();
    let leftovers = slo::generated::leftovers(folder, &made)?;
    faults.extend(
        leftovers
            .iter()
            .map(|path| format!("{}: no promise asks for it: delete it", path.display())),
    );
    Ok(faults)
}
