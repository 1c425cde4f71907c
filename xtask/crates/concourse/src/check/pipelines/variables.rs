//! Variables: those without a dot are in `vars/roster.yml`, those with one are the credential manager's and listed in the
//! page of `concourse/`; each is used.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Faults;
use super::files::{Files, Parsed};
use xtask_delivery::cluster::environment::Environment;

/// What is no secret and differs between installations.
pub(super) const FILE: &str = "concourse/vars/roster.yml";
const PAGE: &str = "concourse/README.md";

pub(super) fn check(parsed: &Parsed, files: &Files, faults: &mut Faults) {
    let Some(text) = files.text(FILE) else {
        return faults.add(FILE, "is not there");
    };
    let known: BTreeMap<String, Value> = match serde_saphyr::from_str(text) {
        Ok(known) => known,
        Err(error) => return faults.add(FILE, error),
    };
    contexts(&known, faults);
    let page = files.text(PAGE).unwrap_or_default();
    let mut used = BTreeSet::new();
    for (path, text) in files.pipelines().chain(files.tasks()) {
        for variable in variables(text) {
            let (source, name) = variable.split_once(':').unwrap_or(("", variable));
            let (is_known, otherwise) = if !source.is_empty() {
                let fault = format!("(({variable})): there is no variable source {source}");
                (is_declared(source, path, parsed), fault)
            } else if name.contains('.') {
                let fault = format!("(({name})) is not in the list of secrets in {PAGE}");
                (page.contains(&format!("`{name}`")), fault)
            } else {
                let fault = format!("(({name})) is not in {FILE}");
                (known.contains_key(name), fault)
            };
            if !is_known {
                faults.add(path, otherwise);
            }
            used.insert(name.to_owned());
        }
    }
    names(&known, &used, faults);
}

/// What is in the file is used, and is no secret.
fn names(known: &BTreeMap<String, Value>, used: &BTreeSet<String>, faults: &mut Faults) {
    for name in known.keys().filter(|name| !used.contains(*name)) {
        faults.add(FILE, format_args!("{name} is used by nothing"));
    }
    for name in known.keys().filter(|name| sounds_like_a_secret(name)) {
        faults.add(
            FILE,
            format_args!("{name} sounds like a secret: it belongs to the credential manager"),
        );
    }
}

/// Whether the pipeline of this file has an `idtoken` source of this name.
fn is_declared(source: &str, path: &str, parsed: &Parsed) -> bool {
    let of_file = parsed
        .pipelines
        .iter()
        .filter(|(pipeline, _)| path.ends_with(&format!("/{pipeline}.yml")));
    of_file
        .flat_map(|(_, pipeline)| &pipeline.var_sources)
        .any(|it| it.name == source && it.kind == "idtoken")
}

fn sounds_like_a_secret(name: &str) -> bool {
    ["password", "token", "secret", "private_key"]
        .iter()
        .any(|word| name.contains(word))
}

/// `cargo xtask deploy` would refuse a cluster whose context its environment does not name.
fn contexts(known: &BTreeMap<String, Value>, faults: &mut Faults) {
    for (name, value) in known {
        let Some(environment) = name.strip_suffix("_kubeconfig") else {
            continue;
        };
        let parsed: Option<Value> = value
            .as_str()
            .and_then(|text| serde_saphyr::from_str(text).ok());
        let context = parsed
            .as_ref()
            .and_then(|config| config["current-context"].as_str())
            .unwrap_or_default();
        match Environment::read(environment) {
            Ok(known) if known.has(context) => {}
            Ok(_) => faults.add(
                FILE,
                format_args!("{name}: the context {context:?} is no cluster of {environment}"),
            ),
            Err(error) => faults.add(FILE, format_args!("{name}: {error}")),
        }
    }
}

/// The names between double parentheses, outside comments.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| {
        line.split("((")
            .skip(1)
            .filter_map(|rest| rest.split_once("))").map(|(name, _)| name))
    })
}
