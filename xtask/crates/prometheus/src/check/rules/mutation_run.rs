//! Tests the tests: every mutant of every rule must fail a test. Must not know which mutants there are (`mutants.rs`)
//! or how many share one run of promtool (`batch.rs`).

mod batch;
mod share;
mod verdict;

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::mutants::{self, Mutant};
use super::promtool::{self, Promtool};
use crate::rule_files::{self, YamlFile};
use batch::Breakage;
pub(crate) use share::Share;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// Records the files for which every mutant was caught, so that an unchanged repository is not tested twice.
const PROOF: &str = "target/rule-mutations.proven";

/// Runs the mutants unless exactly these files have passed before.
pub(crate) fn prove(rules: &[YamlFile], tests: &[YamlFile]) -> Result<()> {
    let promtools = promtool::at_hand()?;
    let key = fingerprint(rules, tests, &promtools);
    let proof = fs::read_to_string(PROOF).unwrap_or_default();
    if let Some(count) = proof.strip_prefix(&format!("{key} ")) {
        printing::eprintln!(
            "mutants: all {} were caught in the last run with these rules and tests (run again: cargo \
                xtask rules mutate)",
            count.trim()
        );
        return Ok(());
    }
    let count = run_all(rules, tests, &[], None)?;
    fs::create_dir_all("target").context("cannot make target/")?;
    fs::write(PROOF, format!("{key} {count}\n")).with_context(|| format!("cannot write {PROOF}"))
}

/// Runs the mutants of the named rules, or of all.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let (rules, tests) = (
        rule_files::read_folder("rules")?,
        rule_files::read_folder("tests")?,
    );
    run_all(&rules, &tests, names, None).map(drop)
}

/// Runs a share of the mutants of all rules.
pub(crate) fn sample(rules: &[YamlFile], tests: &[YamlFile], share: &Share) -> Result<()> {
    run_all(rules, tests, &[], Some(share)).map(drop)
}

/// Runs every rule unchanged through the same machinery: any failure is a fault of the machinery.
pub(crate) fn control(names: &[String]) -> Result<()> {
    let (rules, tests) = (
        rule_files::read_folder("rules")?,
        rule_files::read_folder("tests")?,
    );
    let unbroken = |rule: &rule_files::Rule<'_>| {
        vec![Mutant {
            fault: "nothing is broken".to_owned(),
            rule: Some(rule.value.clone()),
        }]
    };
    let breakages = breakages(&rules, names, unbroken)?;
    let mut caught: Vec<String> = Vec::new();
    for promtool in promtool::at_hand()? {
        let survivors = run_files(&promtool, &rules, &tests, &breakages)?;
        let failed = (0..breakages.len()).filter(|number| !survivors.contains(number));
        caught.extend(failed.map(|number| breakages[number].description()));
        printing::eprintln!(
            "control: {} of {} unchanged rules pass their tests by promtool {}",
            survivors.len(),
            breakages.len(),
            promtool.version
        );
    }
    if caught.is_empty() {
        return Ok(());
    }
    let what = format!("{} unchanged rule(s) fail", caught.len());
    let next = "correct xtask/crates/prometheus/src/check/rules/mutation_run, or the tests if promtool alone fails too";
    Err(Failure::new(Kind::Check, what, caught.join("\n"), next).into())
}

fn fingerprint(rules: &[YamlFile], tests: &[YamlFile], promtools: &[Promtool]) -> String {
    let mut hasher = DefaultHasher::new();
    for file in rules.iter().chain(tests) {
        file.path.hash(&mut hasher);
        file.content.to_string().hash(&mut hasher);
    }
    for promtool in promtools {
        promtool.version.hash(&mut hasher);
    }
    // The definition of a mutant, and of a caught one, is part of the proof.
    include_str!("mutants.rs").hash(&mut hasher);
    include_str!("mutants/matchers.rs").hash(&mut hasher);
    include_str!("mutants/replacements.rs").hash(&mut hasher);
    include_str!("mutation_run.rs").hash(&mut hasher);
    include_str!("mutation_run/batch.rs").hash(&mut hasher);
    include_str!("mutation_run/verdict.rs").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn run_all(
    rules: &[YamlFile],
    tests: &[YamlFile],
    names: &[String],
    share: Option<&Share>,
) -> Result<usize> {
    let mut breakages = breakages(rules, names, mutants::of)?;
    let all = breakages.len();
    if let Some(share) = share {
        breakages.retain(|breakage| share.takes(&breakage.description()));
        printing::eprintln!("mutants: {} of {all}, {share} …", breakages.len());
    } else {
        printing::eprintln!("mutants: {all} to be caught …");
    }
    let mut why: Vec<String> = Vec::new();
    for promtool in promtool::at_hand()? {
        let begun = Instant::now();
        let survivors = run_files(&promtool, rules, tests, &breakages)?;
        printing::eprintln!(
            "mutants: {} of {} caught in {} s by promtool {}",
            breakages.len() - survivors.len(),
            breakages.len(),
            begun.elapsed().as_secs(),
            promtool.version
        );
        let survived = breakages
            .iter()
            .filter(|breakage| survivors.contains(&breakage.number));
        why.extend(
            survived.map(|breakage| {
                format!("{} (promtool {})", breakage.description(), promtool.version)
            }),
        );
    }
    if why.is_empty() {
        return Ok(breakages.len());
    }
    let what = format!("{} mutant(s) pass every test", why.len());
    let next = "add a time to prometheus/tests at which the mutant behaves differently";
    Err(Failure::new(Kind::Check, what, why.join("\n"), next).into())
}

fn breakages<'a>(
    rules: &'a [YamlFile],
    names: &[String],
    of: impl Fn(&rule_files::Rule<'_>) -> Vec<Mutant>,
) -> Result<Vec<Breakage<'a>>> {
    let mut found = Vec::new();
    for file in rules {
        for rule in file.rules() {
            if names.is_empty() || names.iter().any(|name| name == rule.name()) {
                for mutant in of(&rule) {
                    found.push(Breakage::new(found.len(), file, rule, mutant));
                }
            }
        }
    }
    if found.is_empty() {
        let why = format!("no rule is called {}", names.join(" or "));
        return Err(Failure::new(
            Kind::Usage,
            "nothing to mutate",
            why,
            "use the name of an alert or of a recorded series",
        )
        .into());
    }
    Ok(found)
}

/// The numbers of those that no test catches.
fn run_files(
    promtool: &Promtool,
    rules: &[YamlFile],
    tests: &[YamlFile],
    breakages: &[Breakage<'_>],
) -> Result<BTreeSet<usize>> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut survivors = BTreeSet::new();
    for file in rules {
        let mut alive: Vec<&Breakage<'_>> = breakages
            .iter()
            .filter(|breakage| breakage.file.path == file.path)
            .collect();
        if alive.is_empty() {
            continue;
        }
        let (all, begun) = (alive.len(), Instant::now());
        for group in groups(file, tests) {
            let (concerned, mut others): (Vec<_>, Vec<_>) = alive
                .into_iter()
                .partition(|breakage| breakage.concerns(group.test));
            others.extend(not_caught(promtool, &group, &concerned, folder.path())?);
            alive = others;
        }
        printing::eprintln!(
            "  {}: {} of {all} fail a test, {} s",
            file.name(),
            all - alive.len(),
            begun.elapsed().as_secs()
        );
        survivors.extend(alive.iter().map(|breakage| breakage.number));
    }
    Ok(survivors)
}

/// One group of tests.
struct Group<'a> {
    test: &'a Value,
    evaluation_interval: &'a Value,
    steps: u64,
}

/// The test groups of a rule file, fast ones first: few mutants reach the others.
fn groups<'a>(file: &YamlFile, tests: &'a [YamlFile]) -> Vec<Group<'a>> {
    let ending = format!("/{}", file.name());
    let uses = |test: &&YamlFile| {
        let mut files = test.content["rule_files"].as_array().into_iter().flatten();
        files.any(|path| path.as_str().is_some_and(|path| path.ends_with(&ending)))
    };
    let mut groups: Vec<Group<'a>> = tests
        .iter()
        .filter(uses)
        .flat_map(|test_file| {
            let evaluation_interval = &test_file.content["evaluation_interval"];
            let every = minutes(evaluation_interval.as_str().unwrap_or("1m")).max(1);
            test_file.tests().iter().map(move |test| Group {
                test,
                evaluation_interval,
                steps: batch::last_time(test) / every,
            })
        })
        .collect();
    groups.sort_by_key(|group| group.steps);
    groups
}

/// Minutes of a duration such as `1h8m`.
fn minutes(duration: &str) -> u64 {
    crate::slo::Window::try_from(duration.to_owned()).map_or(0, |window| window.seconds() / 60)
}

/// The mutants that pass the group, run on every core in parallel.
fn not_caught<'a, 'b>(
    promtool: &Promtool,
    group: &Group<'_>,
    concerned: &[&'a Breakage<'b>],
    folder: &Path,
) -> Result<Vec<&'a Breakage<'b>>> {
    interrupt::check()?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    // Starting promtool costs more than a few mutants.
    let share = concerned.len().div_ceil(workers).max(8);
    std::thread::scope(|scope| {
        let threads: Vec<_> = concerned
            .chunks(share)
            .enumerate()
            .map(|(worker, part)| {
                let scratch = folder.join(worker.to_string());
                scope.spawn(move || {
                    fs::create_dir_all(&scratch).context("cannot make a temporary folder")?;
                    verdict::survivors(
                        promtool,
                        part,
                        group.test,
                        group.evaluation_interval,
                        &scratch,
                    )
                })
            })
            .collect();
        let mut survivors = Vec::new();
        for thread in threads {
            let part = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?;
            survivors.extend(part?);
        }
        Ok(survivors)
    })
}
