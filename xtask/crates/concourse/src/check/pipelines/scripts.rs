//! What a task runs: a `run.sh` that calls one `cargo xtask` command, or several that are named by `run-step`, which the
//! command line accepts, and that uses every input, output and parameter that the task declares.

use std::collections::BTreeSet;

use super::Faults;
use super::files::{Files, Parsed};
use crate::concourse::Task;
use xtask::{command_list, secrets};

/// The task that builds the image with cargo, and so cannot call cargo.
const WITHOUT_CARGO: &str = "concourse/tasks/build-toolchain/task.yml";
/// Settings of signatures, which `image push` and `deploy` read and no flag has.
const SIGNATURES: &[&str] = &[
    "ROSTER_COSIGN_KEYLESS",
    "ROSTER_COSIGN_IDENTITY",
    "ROSTER_COSIGN_ISSUER",
];
/// Shared scripts; each may call those after it.
const SHARED: &[&str] = &[
    "with-credentials",
    "run-step",
    "in-source",
    "keep-times",
    "tell-slack/notifier-sources",
    "tell-slack/fallback.sh",
];

pub(super) fn check(parsed: &Parsed, files: &Files, faults: &mut Faults) {
    let settings = settings();
    for (path, task) in parsed
        .tasks
        .iter()
        .filter(|(path, _)| *path != WITHOUT_CARGO)
    {
        let folder = path.trim_end_matches("/task.yml");
        let script = format!("{folder}/run.sh");
        let Some(file) = files.0.get(&script) else {
            faults.add(path, format_args!("there is no {script}"));
            continue;
        };
        if !file.executable {
            faults.add(&script, "is not executable");
        }
        if task.platform != "linux" || !task.run.args.is_empty() {
            faults.add(
                path,
                "must run on linux, without arguments: they belong in run.sh",
            );
        }
        if task.run.path != format!("source/{script}") {
            faults.add(
                path,
                format_args!("runs {} instead of its own run.sh", task.run.path),
            );
        }
        commands(&script, &file.text, parsed, path, faults);
        let text = with_shared(&file.text, files, &script, faults);
        artifacts(path, task, &text, faults);
        for name in task.params.keys() {
            if !name.starts_with("CARGO_") && !settings.contains(name) && !mentions(&text, name) {
                faults.add(path, format_args!("parameter {name} is not used"));
            }
        }
    }
    outputs_are_taken(parsed, faults);
}

/// Passes a script's commands to the command-line parser.
fn commands(script: &str, text: &str, parsed: &Parsed, path: &str, faults: &mut Faults) {
    let code: Vec<_> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let calls: Vec<_> = code
        .iter()
        .flat_map(|line| {
            line.match_indices("cargo ")
                .map(|(at, _)| line.split_at(at))
        })
        .collect();
    let named = |before: &str| before.contains("concourse/tasks/run-step ");
    if calls.len() != 1 && (calls.is_empty() || !calls.iter().all(|(before, _)| named(before))) {
        return faults.add(
            script,
            format_args!(
                "calls cargo {} times; a step is one `cargo xtask` command, or several that run-step names",
                calls.len()
            ),
        );
    }
    for (_, call) in calls {
        command(script, call, parsed, path, faults);
    }
}

fn command(script: &str, call: &str, parsed: &Parsed, path: &str, faults: &mut Faults) {
    let Some(arguments) = call.strip_prefix("cargo xtask ") else {
        return faults.add(script, "calls cargo, but not `cargo xtask`");
    };
    // A parameter has the first value that a pipeline gives it.
    let values = given_values(parsed, path);
    let value = |name: &str| {
        values
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    let arguments = arguments.split(';').next().unwrap_or_default();
    let words = arguments.split_whitespace().map(|word| {
        let word = word.trim_matches(['"', '\'']);
        match word.strip_prefix('$') {
            Some(rest) if rest.starts_with("PWD") => rest.replacen("PWD", "/tmp", 1),
            Some(name) => value(name).unwrap_or_else(|| word.to_owned()),
            None => word.to_owned(),
        }
    });
    let mut line = vec!["xtask".to_owned()];
    line.extend(words);
    line.extend(flags_from_parameters(&line, value));
    if let Err(error) = command_list::command_line().try_get_matches_from(line) {
        let reason = error.to_string();
        let reason = reason.lines().next().unwrap_or_default();
        faults.add(
            script,
            format_args!("`cargo xtask {arguments}` is not a command: {reason}"),
        );
    }
}

/// The required flags that the command will read from the task's parameters.
fn flags_from_parameters(line: &[String], value: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut command = &command_list::command_line();
    for word in &line[1..] {
        let Some(inner) = command.find_subcommand(word) else {
            break;
        };
        command = inner;
    }
    let required = command
        .get_arguments()
        .filter(|argument| argument.is_required_set());
    let flags = required.filter_map(|argument| {
        let given = value(argument.get_env()?.to_str()?)?;
        Some(format!("--{}={given}", argument.get_long()?))
    });
    flags.collect()
}

fn given_values(parsed: &Parsed, task: &str) -> Vec<(String, String)> {
    let jobs = parsed
        .pipelines
        .values()
        .flat_map(|pipeline| &pipeline.jobs);
    let steps = jobs.flat_map(crate::concourse::Job::all_steps);
    let steps = steps.filter(|step| {
        step.file
            .as_deref()
            .is_some_and(|file| file.ends_with(task))
    });
    let params = steps.flat_map(|step| step.params.iter().flatten());
    params
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The script and the shared ones that it calls, as one text.
fn with_shared(text: &str, files: &Files, script: &str, faults: &mut Faults) -> String {
    let mut whole = text.to_owned();
    for name in SHARED {
        if !whole.contains(&format!("concourse/tasks/{name}")) {
            continue;
        }
        match files.0.get(&format!("concourse/tasks/{name}")) {
            Some(file) if file.executable => whole.push_str(&file.text),
            Some(_) => faults.add(format_args!("concourse/tasks/{name}"), "is not executable"),
            None => faults.add(
                script,
                format_args!("calls concourse/tasks/{name}, which is not there"),
            ),
        }
    }
    whole
}

fn artifacts(path: &str, task: &Task, text: &str, faults: &mut Faults) {
    // The command finds what is below `source/` itself.
    let used = |folder: &str| folder.starts_with("source/") || mentions(text, folder);
    for input in task.inputs.iter().filter(|input| !used(input.folder())) {
        faults.add(path, format_args!("input {} is not used", input.name));
    }
    for output in task.outputs.iter().filter(|output| !used(output.folder())) {
        faults.add(path, format_args!("output {} is not written", output.name));
    }
    for cache in task
        .caches
        .iter()
        .filter(|cache| !mentions(text, &cache.path))
    {
        faults.add(path, format_args!("cache {} is not used", cache.path));
    }
    if !task.inputs.iter().any(|input| input.name == "source") {
        faults.add(
            path,
            "does not take the input source, where its run.sh lies",
        );
    }
}

/// Every output is an input of some task, or is sent by a put.
fn outputs_are_taken(parsed: &Parsed, faults: &mut Faults) {
    let jobs = || {
        parsed
            .pipelines
            .values()
            .flat_map(|pipeline| &pipeline.jobs)
    };
    let puts = jobs()
        .flat_map(crate::concourse::Job::all_steps)
        .filter_map(|step| step.inputs.as_ref());
    let sent = puts
        .filter_map(serde_json::Value::as_array)
        .flatten()
        .filter_map(serde_json::Value::as_str);
    let inputs = parsed
        .tasks
        .values()
        .flat_map(|task| &task.inputs)
        .map(|input| input.name.as_str());
    let taken: BTreeSet<&str> = inputs.chain(sent).collect();
    for (path, task) in &parsed.tasks {
        for output in task
            .outputs
            .iter()
            .filter(|output| !taken.contains(output.name.as_str()))
        {
            faults.add(
                path,
                format_args!("output {} is not used by any step", output.name),
            );
        }
    }
}

/// The variables that commands read, from the list of commands.
fn settings() -> BTreeSet<String> {
    let arguments = command_list::kept()
        .iter()
        .flat_map(|listed| &listed.arguments);
    let read = arguments.filter_map(|argument| argument.env.clone());
    let secrets = secrets::VARIABLES
        .iter()
        .chain(SIGNATURES)
        .map(|name| (*name).to_owned());
    read.chain(secrets).collect()
}

/// Whether the text contains the name as a whole word.
fn mentions(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}
