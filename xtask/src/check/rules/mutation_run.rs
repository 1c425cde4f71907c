//! Runs the tests against every mutant of every rule: a test that cannot fail proves nothing.
//! A mutant is met first by the groups of tests that speak of its rule and are quick, then by the others of its file.
//! Must not know which faults there are: that is `mutants.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::mutants::{self, Mutant};
use crate::failure::{Failure, Kind};
use crate::rule_files::{self, Rule, YamlFile};

/// Remembers for which files every mutant was caught, so that an unchanged repository is not proven twice.
const PROOF: &str = "target/rule-mutations.proven";

/// Runs the mutants unless these very files were proven before.
pub(crate) fn prove(rules: &[YamlFile], tests: &[YamlFile]) -> Result<()> {
    let key = fingerprint(rules, tests);
    let proof = fs::read_to_string(PROOF).unwrap_or_default();
    if let Some(count) = proof.strip_prefix(&format!("{key} ")) {
        anstream::eprintln!(
            "mutants: all {} were caught when these rules and tests were run last (again: cargo xtask rules mutate)",
            count.trim()
        );
        return Ok(());
    }
    let count = run_all(rules, tests, &[])?;
    fs::create_dir_all("target").context("cannot make target/")?;
    fs::write(PROOF, format!("{key} {count}\n")).with_context(|| format!("cannot write {PROOF}"))
}

/// Runs the mutants of the named rules, or of all.
pub(crate) fn run(names: &[String]) -> Result<()> {
    run_all(
        &rule_files::read_folder("rules")?,
        &rule_files::read_folder("tests")?,
        names,
    )
    .map(|_| ())
}

fn fingerprint(rules: &[YamlFile], tests: &[YamlFile]) -> String {
    let mut hasher = DefaultHasher::new();
    for file in rules.iter().chain(tests) {
        file.path.hash(&mut hasher);
        file.content.to_string().hash(&mut hasher);
    }
    // What counts as a mutant is part of what was proven.
    include_str!("mutants.rs").hash(&mut hasher);
    include_str!("mutation_run.rs").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

struct Case<'a> {
    file: &'a YamlFile,
    rule: Rule<'a>,
    mutant: Mutant,
}

fn run_all(rules: &[YamlFile], tests: &[YamlFile], names: &[String]) -> Result<usize> {
    let cases = cases(rules, names);
    if cases.is_empty() {
        let why = format!("no rule is called {}", names.join(" or "));
        return Err(Failure::new(
            Kind::Usage,
            "nothing to break",
            why,
            "give the name of an alert or of a recorded series",
        )
        .into());
    }
    anstream::eprintln!("mutants: {} to be caught …", cases.len());
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let next = AtomicUsize::new(0);
    let survivors = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let work = |worker: usize| -> Result<()> {
            let scratch = folder.path().join(worker.to_string());
            fs::create_dir(&scratch).context("cannot make a temporary folder")?;
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                if !is_caught(case, tests, &scratch)? {
                    let line = format!(
                        "{}: {}: {}",
                        case.file.path.display(),
                        case.rule.full_name(),
                        case.mutant.fault
                    );
                    anstream::eprintln!("  not caught: {line}");
                    survivors
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push(line);
                }
                report_progress(next.load(Ordering::Relaxed), cases.len());
            }
            Ok(())
        };
        let threads: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || work(worker)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?
        })
    })?;
    let survivors = survivors
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    conclude(cases.len(), survivors)
}

fn conclude(count: usize, mut survivors: Vec<String>) -> Result<usize> {
    survivors.sort();
    anstream::eprintln!("mutants: {} of {count} caught", count - survivors.len());
    if survivors.is_empty() {
        return Ok(count);
    }
    let what = format!("{} broken rule(s) pass every test", survivors.len());
    let next = "add to prometheus/tests a time at which the broken rule would behave otherwise";
    Err(Failure::new(Kind::Check, what, survivors.join("\n"), next).into())
}

fn cases<'a>(rules: &'a [YamlFile], names: &[String]) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for file in rules {
        for rule in file.rules() {
            if names.is_empty() || names.iter().any(|name| name == rule.name()) {
                cases.extend(mutants::of(&rule).into_iter().map(|mutant| Case {
                    file,
                    rule,
                    mutant,
                }));
            }
        }
    }
    cases
}

fn report_progress(done: usize, all: usize) {
    if done.is_multiple_of(100) && done < all {
        anstream::eprintln!("  {done} of {all}");
    }
}

/// Whether any group of tests fails with the mutant in place of the rule.
fn is_caught(case: &Case<'_>, tests: &[YamlFile], scratch: &Path) -> Result<bool> {
    let groups = groups_in_order(case, tests);
    let mut groups: Vec<&Group<'_>> = groups.iter().collect();
    if !case.rule.is_alert() {
        // Most broken recordings show where their value is looked at; without their readers that is quick.
        let name = case.rule.name();
        let (near, others): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| group.nearness == 0 && group.only_asks_for(name));
        if fails_any(&near, &with_mutant(case, false), scratch)? {
            return Ok(true);
        }
        groups = others;
    }
    fails_any(&groups, &with_mutant(case, true), scratch)
}

/// Runs the groups some at a time: to start promtool costs more than most groups do.
fn fails_any(groups: &[&Group<'_>], rules: &Value, scratch: &Path) -> Result<bool> {
    const AT_ONCE: usize = 6;
    let path = scratch.join("rules.json");
    fs::write(&path, rules.to_string()).context("cannot write the broken rules")?;
    let in_one_file = |a: &&Group<'_>, b: &&Group<'_>| a.file.path == b.file.path;
    for same in groups
        .chunk_by(in_one_file)
        .flat_map(|same| same.chunks(AT_ONCE))
    {
        let test = json!({
            "rule_files": [path],
            "evaluation_interval": same[0].file.content["evaluation_interval"],
            "tests": same.iter().map(|group| group.test).collect::<Vec<_>>(),
        });
        let test_path = scratch.join("test.json");
        fs::write(&test_path, test.to_string()).context("cannot write the test")?;
        if !passes(&test_path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn passes(test: &PathBuf) -> Result<bool> {
    let status = Command::new("promtool")
        .args(["test", "rules"])
        .arg(test)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|_| crate::tools::missing("promtool"))?;
    Ok(status.success())
}

/// The mutant's file, less the rules that have nothing to do with it: they only cost time.
fn with_mutant<'a>(case: &Case<'a>, with_readers: bool) -> Value {
    let rules = case.file.rules();
    let mut kept: BTreeSet<&'a str> = BTreeSet::from([case.rule.name()]);
    let grow = |kept: &mut BTreeSet<&'a str>, downstream: bool| loop {
        let before = kept.len();
        for rule in &rules {
            let read: Vec<&str> = rules
                .iter()
                .map(Rule::name)
                .filter(|name| rule.expression().contains(name))
                .collect();
            if downstream && read.iter().any(|name| kept.contains(name)) {
                kept.insert(rule.name());
            } else if !downstream && kept.contains(rule.name()) {
                kept.extend(read);
            }
        }
        if kept.len() == before {
            break;
        }
    };
    if with_readers {
        grow(&mut kept, true);
    }
    grow(&mut kept, false);
    let is_place = |rule: &Rule<'_>| (rule.group, rule.index) == (case.rule.group, case.rule.index);
    let content: Vec<Value> = rules
        .iter()
        .filter(|rule| kept.contains(rule.name()))
        .filter_map(|rule| {
            if is_place(rule) {
                case.mutant.rule.clone()
            } else {
                Some(rule.value.clone())
            }
        })
        .collect();
    json!({"groups": [{"name": "mutant", "rules": content}]})
}

/// One group of tests, and how likely it is to fail soon.
struct Group<'a> {
    file: &'a YamlFile,
    test: &'a Value,
    /// 0: names the rule with its labels; 1: names it; 2: does not.
    nearness: u8,
    minutes: u64,
}

impl Group<'_> {
    /// Whether it asks for nothing but values of this recording: it needs no other rule then.
    fn only_asks_for(&self, recording: &str) -> bool {
        let mut asked = self.test["promql_expr_test"]
            .as_array()
            .into_iter()
            .flatten();
        self.test.get("alert_rule_test").is_none()
            && asked.all(|case| {
                case["expr"]
                    .as_str()
                    .is_some_and(|expression| expression.contains(recording))
            })
    }
}

/// The groups of tests of the rule's file: the near and quick ones first.
fn groups_in_order<'a>(case: &Case<'_>, tests: &'a [YamlFile]) -> Vec<Group<'a>> {
    let ending = format!("/{}", case.file.name());
    let uses = |file: &YamlFile| {
        let mut files = file.content["rule_files"].as_array().into_iter().flatten();
        files.any(|path| path.as_str().is_some_and(|path| path.ends_with(&ending)))
    };
    let group = |file: &'a YamlFile, test: &'a Value| {
        let text = test.to_string();
        let told = case
            .rule
            .label("window")
            .is_none_or(|window| text.contains(&format!("\"window\":\"{window}\"")));
        let nearness = if text.contains(case.rule.name()) {
            u8::from(!told)
        } else {
            2
        };
        Group {
            file,
            test,
            nearness,
            minutes: longest_time(&text),
        }
    };
    let concerned = tests.iter().filter(|file| uses(file));
    let mut groups: Vec<_> = concerned
        .flat_map(|file| file.tests().iter().map(move |test| group(file, test)))
        .collect();
    groups.sort_by_key(|group| (group.nearness, group.minutes));
    // A group that does not speak of an alert cannot fail because of it.
    groups.retain(|group| !case.rule.is_alert() || group.nearness < 2);
    groups
}

/// The last time at which a group looks, roughly: hours outweigh minutes.
fn longest_time(group: &str) -> u64 {
    let times = group
        .split("\"eval_time\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let minutes = |time: &str| match time.split_once('h') {
        Some((hours, _)) => hours.parse::<u64>().unwrap_or_default() * 60,
        None => time.trim_end_matches('m').parse().unwrap_or_default(),
    };
    times.map(minutes).max().unwrap_or_default()
}
