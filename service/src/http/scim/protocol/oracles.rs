//! Generated filters and patches, answered by this module and by npm's `scim2-parse-filter` and `scim-patch`: the same result,
//! or the same refusal.
//!
//! A case that touches a known difference carries its name; `docs/scim.md` lists them with the paragraph that decides. A
//! difference without a name fails the test, and so does a name without a difference.

mod filters;
mod patches;
mod users;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with `answer.js` and its packages.
const FOLDER: &str = "ROSTER_SCIM_ORACLES";
/// Another seed than 1.
const SEED: &str = "ROSTER_SCIM_ORACLES_SEED";
/// Of each kind.
const CASES: usize = 10_000;

/// A generated case.
struct Case {
    /// What is sent to the oracle.
    question: Value,
    /// What we make of it; null for a refusal.
    answer: Value,
    /// The known differences that it touches.
    touches: BTreeSet<&'static str>,
}

#[test]
#[ignore = "needs npm's packages: cargo xtask e2e scim-oracles"]
fn filters_and_patches_have_the_results_of_the_oracles() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect(FOLDER));
    let seed = std::env::var(SEED).map_or(1, |seed| seed.parse().expect(SEED));
    let mut random = fastrand::Rng::with_seed(seed);
    let filters: Vec<Case> = (0..CASES).map(|_| filters::case(&mut random)).collect();
    let patches: Vec<Case> = (0..CASES).map(|_| patches::case(&mut random)).collect();
    compare("filters", &folder, &filters, &filters::DIFFERENCES);
    compare("patches", &folder, &patches, &patches::DIFFERENCES);
}

/// Panics unless the differences are the known ones.
fn compare(kind: &str, folder: &Path, cases: &[Case], known: &[&'static str]) {
    let answers = ask(folder, kind, cases);
    assert_eq!(
        answers.len(),
        cases.len(),
        "{kind}: the answers of answer.js"
    );
    let mut seen: BTreeMap<&str, usize> = known.iter().map(|name| (*name, 0)).collect();
    let mut unknown = Vec::new();
    let (mut same, mut refused) = (0, 0);
    for (case, theirs) in cases.iter().zip(&answers) {
        if canonical(theirs) == canonical(&case.answer) {
            same += 1;
            refused += usize::from(theirs.is_null());
        } else if case.touches.is_empty() {
            unknown.push(format!(
                "{}\n  ours:   {}\n  theirs: {theirs}",
                case.question, case.answer
            ));
        } else {
            for name in &case.touches {
                *seen.get_mut(name).expect(name) += 1;
            }
        }
    }
    let total = cases.len();
    println!("{kind}: {same} of {total} the same ({refused} of them refusals)");
    for (name, count) in &seen {
        println!("  {count:5} {name}");
    }
    let first = unknown
        .iter()
        .take(5)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        unknown.is_empty(),
        "{kind}: {} unknown differences:\n{first}",
        unknown.len()
    );
    let unseen: Vec<_> = seen.iter().filter(|(_, count)| **count == 0).collect();
    assert!(
        unseen.is_empty(),
        "{kind}: these differences are gone: {unseen:?}"
    );
}

/// The oracle's answers, in the order of the cases.
fn ask(folder: &Path, kind: &str, cases: &[Case]) -> Vec<Value> {
    let file = folder.join(format!("{kind}.jsonl"));
    let lines: Vec<String> = cases.iter().map(|case| case.question.to_string()).collect();
    std::fs::write(&file, lines.join("\n")).expect("the file of cases");
    let output = Command::new("node")
        .arg(folder.join("answer.js"))
        .arg(&file)
        .output()
        .expect("node");
    let faults = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "answer.js: {faults}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What is the same for SCIM: no value, null and an empty array (RFC 7643, 2.5). `schemas` follow from the rest.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != "schemas")
            .map(|(key, value)| (key.clone(), canonical(value)))
            .filter(|(_, value)| {
                *value != json!(null) && *value != json!([]) && *value != json!({})
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(values) => values
            .iter()
            .map(canonical)
            .filter(|value| *value != json!({}))
            .collect::<Vec<_>>()
            .into(),
        simple => simple.clone(),
    }
}
