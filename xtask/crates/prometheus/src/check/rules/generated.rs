//! Whether the generated files match `prometheus/slos.toml`. Must not write: the fault names the command that does.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::rule_files::FOLDER;
use crate::slo;

/// Every generated file that differs, is missing, or is obsolete.
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
                        "{path}:{line}: does not match prometheus/slos.toml"
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
            .map(|path| format!("{}: no objective needs it: delete it", path.display())),
    );
    Ok(faults)
}
