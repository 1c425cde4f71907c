//! Inputs that must be rejected with a message that says what to write instead.
//!
//! The cases are data (`terraform/refused-inputs.toml`): settings for an environment, or a change of a file, and words
//! that the message must contain.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::parallel::{in_parallel, threads};
use crate::infra::copy::Copy;
use xtask::failure::{Failure, Kind};

const FILE: &str = "terraform/refused-inputs.toml";

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    what: String,
    environment: String,
    /// Settings that replace the example's.
    #[serde(default)]
    settings: String,
    /// A file below terraform/ in which `from` becomes `to`.
    #[serde(default)]
    file: Option<Edit>,
    /// Words that the message must contain.
    answer: Vec<String>,
}

#[derive(Deserialize)]
struct Edit {
    path: String,
    from: String,
    to: String,
}

pub(super) fn run() -> Result<String> {
    let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    let cases: Cases =
        toml::from_str(&text).with_context(|| format!("{FILE} is not well formed"))?;
    let mut wrong = Vec::new();
    // A case may change a file: each thread has its own copy.
    let copies = (0..threads())
        .map(|thread| Copy::make(&Path::new(super::WORK).join(format!("refused-{thread}"))))
        .collect::<Result<Vec<_>>>()?;
    let answers = in_parallel(&cases.case, |thread, case| {
        refused(&copies[thread], thread, case)
    });
    for (case, answer) in cases.case.iter().zip(answers) {
        match answer? {
            Ok(answer) => printing::eprintln!("         {}: {answer}", case.what),
            Err(why) => wrong.push(format!("{}: {why}", case.what)),
        }
    }
    if wrong.is_empty() {
        return Ok(format!(
            "{} invalid inputs, each rejected with what to write instead",
            cases.case.len()
        ));
    }
    let next = format!("add a validation with this message to the variable, or change {FILE}");
    Err(Failure::new(
        Kind::Check,
        "an invalid input is not rejected as expected",
        wrong.join("\n"),
        next,
    )
    .into())
}

/// The line of the rejection, or why there is none.
fn refused(copy: &Copy, thread: usize, case: &Case) -> Result<std::result::Result<String, String>> {
    let folder = format!("terraform/environments/{}", case.environment);
    copy.use_local_state(&folder)?;
    let terraform = super::initialise_with_state(copy, &folder)?;
    let settings =
        std::path::absolute(Path::new(super::WORK).join(format!("refused-{thread}.tfvars")))?;
    std::fs::write(&settings, &case.settings)?;
    let undo = case
        .file
        .as_ref()
        .map(|edit| edit_file(copy, edit))
        .transpose()?;
    let outcome = terraform
        .command("plan")
        .args([
            "-input=false",
            "-no-color",
            "-compact-warnings",
            "-var-file=terraform.tfvars.example",
        ])
        .arg(format!("-var-file={}", settings.display()))
        .quiet()
        .outcome()?;
    if let Some((path, original)) = undo {
        std::fs::write(path, original)?;
    }
    if outcome.status.success() {
        return Ok(Err("it was planned anyway".to_owned()));
    }
    // Terraform wraps lines arbitrarily.
    let said = String::from_utf8_lossy(&outcome.stderr)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let missing: Vec<_> = case
        .answer
        .iter()
        .filter(|words| !said.contains(*words))
        .cloned()
        .collect();
    Ok(if missing.is_empty() {
        Ok(line_with(
            &said,
            case.answer.last().map_or("", String::as_str),
        ))
    } else {
        Err(format!("the message does not contain {missing:?}: {said}"))
    })
}

fn edit_file(copy: &Copy, edit: &Edit) -> Result<(std::path::PathBuf, String)> {
    let path = copy.path(&format!("terraform/{}", edit.path));
    let original = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(
        original.contains(&edit.from),
        "{FILE}: {} does not contain {:?}",
        edit.path,
        edit.from
    );
    std::fs::write(&path, original.replacen(&edit.from, &edit.to, 1))?;
    Ok((path, original))
}

/// The part of the message around these words, truncated to a line.
fn line_with(said: &str, words: &str) -> String {
    let at = said.find(words).unwrap_or_default();
    let begin = said[..at]
        .rfind(['│', '├'])
        .unwrap_or_else(|| at.saturating_sub(120));
    let text: String = said
        .chars()
        .skip(said[..floor(said, begin)].chars().count())
        .take(260)
        .collect();
    text.trim_start_matches(['│', '├', ' ']).to_owned()
}

fn floor(text: &str, index: usize) -> usize {
    (0..=index)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default()
}
