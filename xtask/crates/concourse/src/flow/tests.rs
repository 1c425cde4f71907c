//! Flows of a test repository whose tasks are one-line scripts.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::process::duration;
use super::{Choice, Ended, Outcome, Runner, Settings};
use xtask::failure::exit_code;

const PIPELINE: &str = "
jobs:
  - name: build
    plan:
      - {get: source, trigger: true}
      - {task: make, file: source/make.yml, timeout: 30s, params: {WORD: '((secret))', ENVIRONMENT: production}}
      - {task: take, file: source/take.yml, timeout: 30s, on_failure: {task: undo, file: source/undo.yml}}
    on_success: {try: {task: notify, file: source/notify.yml, params: {STATE: succeeded}}}
    on_failure: {try: {task: notify, file: source/notify.yml, params: {STATE: failed}}}
    on_abort: {try: {task: notify, file: source/notify.yml, params: {STATE: aborted}}}
  - name: ship
    plan: [{get: source, trigger: true, passed: [build]}, {task: ship, file: source/ship.yml, timeout: 30s}]
";

struct Repository(PathBuf);

impl Repository {
    /// A repository whose task `take` runs this script.
    fn new(name: &str, take: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("roster-flow-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("source")).expect("a folder");
        let repository = Self(folder);
        repository.task(
            "make",
            "outputs: [{name: made}]\nparams: {WORD:, ENVIRONMENT: }",
            "echo \"${WORD:-none} $ENVIRONMENT\" >made/word",
        );
        repository.task("take", "inputs: [{name: source}, {name: made}]", take);
        repository.task(
            "undo",
            "inputs: [{name: source}]",
            "echo undone >>source/log",
        );
        repository.task(
            "notify",
            "inputs: [{name: source}]\nparams: {STATE: }",
            "echo \"$STATE\" >>source/log",
        );
        repository.task(
            "ship",
            "inputs: [{name: source}]",
            "echo shipped >>source/log",
        );
        repository
    }

    fn root(&self) -> PathBuf {
        self.0.join("source")
    }

    fn task(&self, name: &str, shape: &str, script: &str) {
        let source = if shape.contains("{name: source}") {
            ""
        } else {
            "inputs: [{name: source}]\n"
        };
        let task = format!("platform: linux\n{shape}\n{source}run: {{path: source/{name}.sh}}\n");
        std::fs::write(self.root().join(format!("{name}.yml")), task).expect("is written");
        let path = self.root().join(format!("{name}.sh"));
        std::fs::write(&path, format!("#!/bin/sh\nset -e\n{script}\n")).expect("is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("is set");
    }

    fn run(&self, pipeline: &str) -> (Outcome, String) {
        let outcome = self.try_run(pipeline, Choice::All, false).expect("runs");
        (outcome, self.log())
    }

    fn try_run(
        &self,
        pipeline: &str,
        choice: Choice,
        allow_not_proven: bool,
    ) -> anyhow::Result<Outcome> {
        self.run_in(self.0.join("work"), pipeline, choice, allow_not_proven)
    }

    fn run_in(
        &self,
        work: PathBuf,
        pipeline: &str,
        choice: Choice,
        allow_not_proven: bool,
    ) -> anyhow::Result<Outcome> {
        let pipeline = serde_saphyr::from_str(pipeline).expect("a pipeline");
        let settings = Settings {
            root: self.root(),
            work,
            choice,
            allow_not_proven,
            environment: "dev".into(),
            root_file_system: None,
            variables: BTreeMap::new(),
        };
        Runner::new(&pipeline, &settings).run()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.root().join("log")).unwrap_or_default()
    }

    fn made(&self) -> &Path {
        &self.0
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn ends(outcome: &Outcome) -> Vec<(&str, &Ended)> {
    outcome
        .rows
        .iter()
        .map(|row| (row.step.as_str(), &row.ended))
        .collect()
}

#[test]
fn outputs_reach_the_next_step_and_jobs_follow_each_other() {
    let repository = Repository::new("passes", "grep -q 'none dev' made/word");
    let (outcome, log) = repository.run(PIPELINE);
    assert_eq!(
        ends(&outcome),
        [
            ("make", &Ended::Passed),
            ("take", &Ended::Passed),
            ("ship", &Ended::Passed)
        ]
    );
    assert_eq!(log, "succeeded\nshipped\n");
    assert!(outcome.stopped_at().is_none() && repository.made().exists());
}

#[test]
fn a_step_that_fails_stops_the_flow_and_runs_its_hooks_once() {
    let (outcome, log) = Repository::new("fails", "exit 6").run(PIPELINE);
    assert_eq!(
        ends(&outcome),
        [
            ("make", &Ended::Passed),
            ("take", &Ended::Failed(6)),
            ("ship", &Ended::NotReached)
        ]
    );
    assert_eq!(log, "undone\nfailed\n");
}

#[test]
fn a_step_that_takes_too_long_is_ended_with_all_that_it_started() {
    let pipeline = PIPELINE.replace(
        "file: source/take.yml, timeout: 30s",
        "file: source/take.yml, timeout: 300ms",
    );
    let repository = Repository::new("slow", "(sleep 3; echo late >>source/log) & sleep 60");
    let (outcome, log) = repository.run(&pipeline);
    assert_eq!(
        outcome.stopped_at().map(|row| &row.ended),
        Some(&Ended::TimedOut)
    );
    std::thread::sleep(std::time::Duration::from_secs(4));
    let later = std::fs::read_to_string(repository.root().join("log")).expect("a log");
    assert_eq!(
        (log.as_str(), later.as_str()),
        ("undone\nfailed\n", "undone\nfailed\n")
    );
}

#[test]
fn a_flaky_step_is_tried_as_often_as_the_pipeline_says() {
    let pipeline = PIPELINE.replace(
        "file: source/take.yml, timeout: 30s",
        "file: source/take.yml, timeout: 30s, attempts: 2",
    );
    let (outcome, log) = Repository::new(
        "flaky",
        "test -f source/seen || { touch source/seen; exit 1; }",
    )
    .run(&pipeline);
    assert!(outcome.stopped_at().is_none(), "{outcome:?}");
    assert_eq!(log, "succeeded\nshipped\n");
}

#[test]
fn the_table_names_every_step_reached_or_not() {
    let (outcome, _) = Repository::new("table", "exit 1").run(PIPELINE);
    let table = outcome.table();
    assert!(
        table.contains("exit code 1") && table.contains("not reached"),
        "{table}"
    );
}

#[test]
fn durations_are_read_as_concourse_reads_them() {
    assert_eq!(duration("1h30m").map(|it| it.as_secs()), Some(5400));
    assert_eq!(duration("300ms").map(|it| it.as_millis()), Some(300));
    assert_eq!(duration("10 minutes"), None);
}

#[test]
fn a_flow_can_go_on_at_a_later_step_with_what_the_earlier_ones_gave() {
    let repository = Repository::new("from", "grep -q 'none dev' made/word");
    let from = || Choice::From("take".into());
    let error = repository
        .try_run(PIPELINE, from(), false)
        .expect_err("nothing was made yet");
    assert_eq!(exit_code(&error), 2, "{error}");
    repository.run(PIPELINE);
    let outcome = repository.try_run(PIPELINE, from(), false).expect("runs");
    assert_eq!(
        ends(&outcome),
        [
            ("make", &Ended::LeftOut),
            ("take", &Ended::Passed),
            ("ship", &Ended::Passed)
        ]
    );
    // The first whole run reported success; a partial job does not.
    assert_eq!(repository.log(), "succeeded\nshipped\nshipped\n");
}

#[test]
fn one_step_can_be_run_alone_and_tells_when_it_fails() {
    let repository = Repository::new("only", "exit 4");
    repository
        .try_run(PIPELINE, Choice::Only("make".into()), false)
        .expect("runs");
    let outcome = repository
        .try_run(PIPELINE, Choice::Only("take".into()), false)
        .expect("runs");
    assert_eq!(
        ends(&outcome),
        [
            ("make", &Ended::LeftOut),
            ("take", &Ended::Failed(4)),
            ("ship", &Ended::NotReached)
        ]
    );
    assert_eq!(repository.log(), "undone\nfailed\n");
}

#[test]
fn a_step_that_is_not_there_is_a_usage_failure_that_names_those_that_are() {
    let error = Repository::new("none", "true")
        .try_run(PIPELINE, Choice::Only("fly".into()), false)
        .expect_err("no such step");
    assert_eq!(exit_code(&error), 2);
}

#[test]
fn what_cannot_be_proven_here_is_passed_over_only_when_asked_for_and_never_a_success() {
    let repository = Repository::new("unproven", "exit 3");
    let outcome = repository
        .try_run(PIPELINE, Choice::All, true)
        .expect("runs");
    assert_eq!(outcome.not_proven(), ["take"]);
    assert!(outcome.stopped_at().is_none(), "{outcome:?}");
    assert_eq!(repository.log(), "shipped\n");
    let (outcome, _) = repository.run(PIPELINE);
    assert_eq!(
        outcome.stopped_at().map(|row| &row.ended),
        Some(&Ended::Failed(3))
    );
}

#[test]
fn scripts_start_wherever_the_flow_keeps_its_artifacts() {
    let repository = Repository::new("relative", "true");
    let work = PathBuf::from(format!("target/flow-test-{}", std::process::id()));
    let kept = std::path::absolute(&work).expect("a path");
    let outcome = repository.run_in(work, PIPELINE, Choice::All, false);
    let _ = std::fs::remove_dir_all(kept);
    let outcome = outcome.expect("runs");
    assert!(outcome.stopped_at().is_none(), "{outcome:?}");
}
