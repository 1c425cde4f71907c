//! `cargo xtask ci rehearse`: runs the flows with one fault at a time.
//!
//! Each fault is planted where it would occur in practice (sources, coverage, server, registry, cluster), the flow is
//! run as a person runs it, and the stand-in for Slack counts notifications. The faults are in `faults.rs`.

mod crates;
mod faults;
mod plant;
mod refusing_registry;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::flow::{Ended, run_process};
use slack_stand_in::{Behaviour, SlackStandIn};
use xtask::failure::{self, Failure, Kind};
use xtask::interrupt;

use faults::{FAULTS, Fault, Plant};
use plant::Planted;

/// Directory of the clone, logs and messages.
const FOLDER: &str = "target/flows/rehearsal";

pub(crate) fn fault_names() -> Vec<&'static str> {
    FAULTS.iter().map(|fault| fault.name).collect()
}

/// The list of faults for `--help`.
pub(crate) fn faults_help() -> String {
    let lines = FAULTS
        .iter()
        .map(|fault| format!("\n  {:<16}{}", fault.name, fault.breaks));
    format!("Faults:{}", lines.collect::<String>())
}

/// The result of one fault.
struct Rehearsed {
    fault: &'static Fault,
    /// The fault's name, or what of it was broken.
    label: String,
    stopped_at: String,
    exit_code: i32,
    /// The first line of each sent message.
    messages: Vec<String>,
    took: Duration,
}

impl Rehearsed {
    fn is_as_it_should_be(&self) -> bool {
        self.stopped_at == self.fault.stops_at
            && self.exit_code == self.fault.exit_code
            && self.messages.len() == 1
            && self.messages[0].contains(self.fault.names)
    }
}

/// Rehearses the faults that were named, or all.
pub(crate) fn run(names: &[String]) -> Result<()> {
    interrupt::watch()?;
    let folder = std::path::absolute(FOLDER)?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let chosen = FAULTS
        .iter()
        .filter(|fault| names.is_empty() || names.iter().any(|name| name == fault.name));
    let mut rehearsed = Vec::new();
    let mut not_rehearsed = Vec::new();
    for fault in chosen {
        for part in parts(fault)? {
            printing::eprintln!("> {part}: {}", fault.breaks);
            match rehearse(fault, &part, &folder) {
                Ok(outcome) => rehearsed.push(outcome),
                Err(error) => {
                    failure::report(&error);
                    not_rehearsed.push(format!("{part}: {error}"));
                }
            }
            interrupt::check()?;
        }
    }
    printing::println!("{}", table(&rehearsed));
    conclude(&rehearsed, &not_rehearsed, &folder)
}

/// What of a fault is rehearsed separately: the sources of each crate, or only the fault itself.
fn parts(fault: &Fault) -> Result<Vec<String>> {
    match fault.plant {
        Plant::EachCrate => crates::sources(),
        _ => Ok(vec![fault.name.to_owned()]),
    }
}

fn rehearse(fault: &'static Fault, part: &str, folder: &Path) -> Result<Rehearsed> {
    let planted = Planted::plant(fault, part, folder)?;
    let notifier = plant::notifier(folder)?;
    let slack = SlackStandIn::start(([127, 0, 0, 1], 0).into(), Behaviour::default())?;
    let name = part.replace('/', "-");
    let history = folder.join(format!("{name}.history.json"));
    let _ = std::fs::remove_file(&history);
    let log = folder.join(format!("{name}.log"));
    let output = std::fs::File::create(&log)?;
    let begun = Instant::now();
    // This program, since that of the clone may be what is broken.
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command
        .args(["ci", fault.flow, "--from", fault.from])
        .current_dir(&planted.sources)
        .env("CARGO_MANIFEST_DIR", planted.sources.join("xtask"))
        // The clone's own: rustup sets the compiler for all that it starts.
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove(xtask::program::EXECUTABLE)
        .env("ROSTER_NOTIFIER", &notifier)
        .envs(planted.variables.iter().map(|(name, value)| (name, value)))
        .env("SLACK_WEBHOOK_URL", slack.webhook_url())
        .env("NOTIFY_HISTORY", &history)
        // The job history belongs only to this rehearsal.
        .env("CONCOURSE_URL", "")
        .stdout(output.try_clone()?)
        .stderr(output);
    let ended = run_process(&mut command, None, true);
    let took = begun.elapsed();
    drop(planted);
    let exit_code = match ended {
        Ended::Passed => 0,
        Ended::Failed(code) => code,
        _ => -1,
    };
    let said = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    for refusal in slack.refused() {
        printing::eprintln!("  Slack would reject a message: {refusal}");
    }
    Ok(Rehearsed {
        fault,
        label: part.to_owned(),
        stopped_at: stopped_at(&said).unwrap_or("nowhere").to_owned(),
        exit_code,
        messages: slack.accepted().iter().map(first_words).collect(),
        took,
    })
}

/// The step in the flow's failure message.
fn stopped_at(said: &str) -> Option<&str> {
    let line = said
        .lines()
        .rev()
        .find_map(|line| line.split_once(" stopped at "))?;
    line.1.split_once(": ").map(|(_, step)| step.trim())
}

/// A message's first line, and the step in it.
fn first_words(message: &serde_json::Value) -> String {
    let fields = message.pointer("/blocks/1/fields/0/text");
    let step = fields
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .replace("*Step*\n", "");
    format!("{} — {step}", message["text"].as_str().unwrap_or_default())
}

fn table(rehearsed: &[Rehearsed]) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "{:<44} {:<18} {:>9} {:>8} {:>8}  message\n",
        "fault", "stopped at", "exit code", "messages", "time"
    );
    for outcome in rehearsed {
        let _ = writeln!(
            text,
            "{:<44} {:<18} {:>9} {:>8} {:>6.1} s  {}{}",
            outcome.label,
            outcome.stopped_at,
            outcome.exit_code,
            outcome.messages.len(),
            outcome.took.as_secs_f64(),
            outcome.messages.join(" | "),
            if outcome.is_as_it_should_be() {
                ""
            } else {
                "   <-- UNEXPECTED"
            }
        );
    }
    text
}

fn conclude(rehearsed: &[Rehearsed], not_rehearsed: &[String], folder: &Path) -> Result<()> {
    let wrong: Vec<_> = rehearsed
        .iter()
        .filter(|outcome| !outcome.is_as_it_should_be())
        .map(|outcome| {
            format!(
                "{}: should stop at {} with {} and one message that names {}",
                outcome.label, outcome.fault.stops_at, outcome.fault.exit_code, outcome.fault.names
            )
        })
        .collect();
    let next = format!("each flow's output is in {}", folder.display());
    if !wrong.is_empty() {
        return Err(Failure::new(
            Kind::Check,
            format!("{} faults did not end as expected", wrong.len()),
            wrong.join("\n"),
            next,
        )
        .into());
    }
    if !not_rehearsed.is_empty() {
        return Err(Failure::new(
            Kind::Missing,
            format!("{} faults were not rehearsed", not_rehearsed.len()),
            not_rehearsed.join("\n"),
            "provide what is missing, then rehearse the fault by name",
        )
        .into());
    }
    printing::eprintln!(
        "every fault stopped its flow at the expected step, with exactly one message; {next}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FAULTS, first_words, stopped_at};
    use crate::concourse::{Pipeline, jobs_in_order, planned_steps};

    #[test]
    fn the_flows_last_words_name_the_step() {
        let said = "x\nerror: the flow develop stopped at lint: lint-workspace\n  why:  it ended\n";
        assert_eq!(stopped_at(said), Some("lint-workspace"));
        assert_eq!(stopped_at("the flow develop passed"), None);
    }

    #[test]
    fn a_message_is_summed_up_by_its_headline_and_its_step() {
        let message = json!({"text": "develop: lint broke", "blocks": [{}, {"fields": [{"text": "*Step*\nlint-workspace (exit code 1)"}]}]});
        assert_eq!(
            first_words(&message),
            "develop: lint broke — lint-workspace (exit code 1)"
        );
    }

    #[test]
    fn every_fault_begins_and_stops_at_steps_of_its_flow() {
        xtask::run_tool::enter_repository_root().expect("is there");
        for fault in FAULTS {
            let path = format!("concourse/pipelines/{}.yml", fault.flow);
            let text = std::fs::read_to_string(path).expect("is there");
            let pipeline: Pipeline = serde_saphyr::from_str(&text).expect("a pipeline");
            let steps = planned_steps(&jobs_in_order(&pipeline, "source"));
            for step in [fault.from, fault.stops_at] {
                assert!(
                    steps.iter().any(|planned| planned.step.name() == step),
                    "{step}"
                );
            }
        }
    }
}
