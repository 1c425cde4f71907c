//! The tasks' shared scripts, run as a task runs them: in a folder with the repository as `source`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use xtask::run_tool::{repository_root, tool};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("roster-scripts-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).expect("is written");
    }

    fn script(&self, file: &str, text: &str) {
        self.write(file, &format!("#!/bin/sh\n{text}\n"));
        let path = self.0.join(file);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("is set");
    }

    fn git(&self, arguments: &[&str]) {
        tool("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.test"])
            .args(arguments)
            .current_dir(&self.0)
            .quiet()
            .output()
            .expect("git runs");
    }

    fn modified(&self, file: &str) -> SystemTime {
        let metadata = std::fs::metadata(self.0.join(file)).expect("is there");
        metadata.modified().expect("a time")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn script(name: &str) -> PathBuf {
    repository_root().join("concourse/tasks").join(name)
}

#[test]
fn a_file_of_the_last_build_keeps_its_time_and_a_changed_one_does_not() {
    let folder = Folder::new("times");
    folder.git(&["init", "--quiet", "origin"]);
    let commit = |text: &str| {
        folder.write("origin/same", "same");
        folder.write("origin/other", text);
        folder.git(&["-C", "origin", "add", "."]);
        folder.git(&["-C", "origin", "commit", "--quiet", "--message", text]);
    };
    let build = || {
        let _ = std::fs::remove_dir_all(folder.0.join("source"));
        folder.git(&["clone", "--quiet", "origin", "source"]);
        let status = Command::new(script("keep-times"))
            .arg("times")
            .current_dir(&folder.0)
            .status();
        assert!(status.expect("starts").success());
        (
            folder.modified("source/same"),
            folder.modified("source/other"),
        )
    };
    commit("one");
    let first = build();
    // As if that build had been an hour ago.
    let list = std::fs::read_to_string(folder.0.join("times")).expect("a list");
    let since = first.0.duration_since(SystemTime::UNIX_EPOCH);
    let an_hour_before = since.expect("is later").as_secs() - 60 * 60;
    let mut earlier = Vec::new();
    for line in list.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        earlier.push(format!("{}\t{an_hour_before}\t{}\n", fields[0], fields[2]));
    }
    folder.write("times", &earlier.concat());
    commit("two");
    let second = build();
    assert_eq!(
        second.0,
        SystemTime::UNIX_EPOCH + Duration::from_secs(an_hour_before)
    );
    assert!(second.1 >= first.1, "a changed file got an earlier time");
    // Back to the first content: not the time that it had then, since the last build was of another.
    commit("one");
    assert!(
        build().1 >= first.1,
        "a file changed back got an earlier time"
    );
}

/// Runs `tell-slack` for a failed job with this notifier.
fn tell_slack(folder: &Folder, notifier: &str, sources: &str) -> Output {
    std::os::unix::fs::symlink(repository_root(), folder.0.join("source")).expect("a link");
    folder.script("notifier", notifier);
    folder.write("notifier.sources", sources);
    Command::new(script("tell-slack/run.sh"))
        .current_dir(&folder.0)
        .env("ROSTER_NOTIFIER", folder.0.join("notifier"))
        .envs([("STATE", "failed"), ("FLOW", "develop"), ("JOB", "verify")])
        .envs([
            ("CONCOURSE_URL", "https://c.test"),
            ("CONCOURSE_TEAM", "main"),
        ])
        .env("SLACK_WEBHOOK_URL", "")
        .output()
        .expect("starts")
}

fn sources() -> String {
    let script = script("tell-slack/notifier-sources");
    tool(script.to_string_lossy())
        .quiet()
        .output()
        .expect("a digest")
}

#[test]
fn the_notifier_of_the_image_is_run_and_reports_that_it_is_older_only_if_it_is() {
    let says_note = "echo \"$1 $2 note=$NOTIFY_NOTE\"";
    for (name, digest, note) in [
        ("same", sources(), ""),
        (
            "older",
            "0".repeat(64),
            "Sent by the notifier of the toolchain image, which is older",
        ),
    ] {
        let folder = Folder::new(name);
        let output = tell_slack(&folder, says_note, &digest);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = format!("notify --step-log note={note}");
        assert!(
            output.status.success() && said.contains(&wanted),
            "{name}: {said}"
        );
        assert_eq!(
            said.contains("Raise concourse/images/toolchain/tag"),
            !note.is_empty()
        );
    }
}

#[test]
fn a_notifier_that_does_not_know_a_parameter_is_replaced_by_a_message_without_details() {
    let folder = Folder::new("refuses");
    let output = tell_slack(&folder, "exit 2", &sources());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("*develop/verify failed*"),
        "{said}"
    );
}

#[test]
fn the_digest_of_the_notifiers_sources_is_of_files_that_exist() {
    let text = std::fs::read_to_string(script("tell-slack/notifier-sources")).expect("is there");
    let paths = text
        .split_whitespace()
        .filter(|word| word.starts_with("xtask/"));
    let missing: Vec<_> = paths
        .filter(|path| !repository_root().join(Path::new(path)).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
