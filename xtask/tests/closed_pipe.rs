//! Every program of the workspace, with a reader that has gone, as in `| head -1`: no panic, no complaint, no failure.

#![allow(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fs::File;
use std::io::pipe;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use xtask::build::{Build, file_of};
use xtask::command_list;

/// Each program, with arguments that print more than nothing to stdout.
const PRINTING: [(&str, &[&str]); 13] = [
    ("roster", &["openapi"]),
    ("xtask", &["tools", "list"]),
    ("xtask", &[command_list::ARGUMENT]),
    ("roster-dev", &[command_list::ARGUMENT]),
    ("roster-bench", &[command_list::ARGUMENT]),
    ("slack-stand-in", &[command_list::ARGUMENT]),
    ("xtask-concourse", &[command_list::ARGUMENT]),
    ("xtask-delivery", &[command_list::ARGUMENT]),
    ("xtask-prometheus", &[command_list::ARGUMENT]),
    ("xtask-service", &[command_list::ARGUMENT]),
    ("xtask-sonarqube", &[command_list::ARGUMENT]),
    ("xtask-sources", &[command_list::ARGUMENT]),
    ("xtask-terraform", &[command_list::ARGUMENT]),
];

/// Help, failures, and a secret that is lost when nobody reads it.
const OTHERS: [(&str, &[&str], i32); 3] = [
    ("bench-load", &["--help"], 0),
    ("roster", &["token", "keygen"], 1),
    ("xtask-sources", &["check", "no-such-area"], 2),
];

fn programs() -> Vec<(&'static str, PathBuf)> {
    let names = PRINTING.map(|(name, _)| name);
    let mut names: Vec<_> = names.into_iter().chain(["bench-load"]).collect();
    names.sort_unstable();
    names.dedup();
    let built = Build::binaries(&names).run().expect("builds");
    let found = names
        .iter()
        .map(|name| (*name, file_of(&built, name).expect("is built")));
    found.collect()
}

/// The writing end of a pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = pipe().expect("makes a pipe");
    drop(reader);
    writer.into()
}

fn run(program: &Path, arguments: &[&str], stdout: Stdio, stderr: Stdio) -> (ExitStatus, String) {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr);
    let output = command.output().expect("starts");
    (
        output.status,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_closed_pipe_is_neither_a_panic_nor_a_failure() {
    let programs = programs();
    let file = |name: &str| {
        let found = programs.iter().find(|(known, _)| *known == name);
        &found.expect("is built").1
    };
    let printing = PRINTING.map(|(name, arguments)| (name, arguments, 0));
    for (name, arguments, code) in printing.into_iter().chain(OTHERS) {
        let (status, complaint) = run(file(name), arguments, closed(), Stdio::piped());
        assert_eq!(
            status.code(),
            Some(code),
            "{name} {arguments:?}: {complaint}"
        );
        assert!(
            code != 0 || complaint.is_empty(),
            "{name} {arguments:?}: {complaint}"
        );
        // `2>&1 | head -1`
        let (status, _) = run(file(name), arguments, closed(), closed());
        assert_eq!(
            status.code(),
            Some(code),
            "{name} {arguments:?}, both closed"
        );
    }
}

#[test]
fn output_that_cannot_be_stored_is_a_failure() {
    let programs = programs();
    for (name, arguments) in PRINTING {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("is there");
        let file = &programs
            .iter()
            .find(|(known, _)| *known == name)
            .expect("is built")
            .1;
        let (status, complaint) = run(file, arguments, full.into(), Stdio::piped());
        assert_eq!(status.code(), Some(1), "{name} {arguments:?}: {complaint}");
        assert!(complaint.contains("standard output"), "{name}: {complaint}");
        assert!(!complaint.contains("panicked"), "{name}: {complaint}");
    }
}
