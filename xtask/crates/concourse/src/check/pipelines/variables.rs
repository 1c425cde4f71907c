//! Variables: those without a dot are in `vars/roster.yml`; those with one are in the credential manager, each for the
//! pipelines that the page of `concourse/` lists; each is used.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Faults;
use super::files::{Files, Parsed};
use xtask_delivery::cluster::environment::Environment;

/// Settings that are not secret and differ between installations.
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
    let scopes = scopes(files.text(PAGE).unwrap_or_default());
    scoped(&scopes, parsed, files, faults);
    let mut used = BTreeSet::new();
    for (path, text) in files.pipelines().chain(files.tasks()) {
        for variable in variables(text) {
            let (source, name) = variable.split_once(':').unwrap_or(("", variable));
            let (is_known, otherwise) = if !source.is_empty() {
                let fault = format!("(({variable})): there is no variable source {source}");
                (is_declared(source, path, parsed), fault)
            } else if name.contains('.') {
                let fault = format!("(({name})) is not in the list of secrets in {PAGE}");
                (
                    scopes.iter().any(|scope| scope.names.contains(&name)),
                    fault,
                )
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

/// Every variable in the file is used and is not a secret.
fn names(known: &BTreeMap<String, Value>, used: &BTreeSet<String>, faults: &mut Faults) {
    for name in known.keys().filter(|name| !used.contains(*name)) {
        faults.add(FILE, format_args!("{name} is not used"));
    }
    for name in known.keys().filter(|name| sounds_like_a_secret(name)) {
        faults.add(
            FILE,
            format_args!("{name} looks like a secret: it belongs in the credential manager"),
        );
    }
}

/// A row of the list of secrets: names of secrets, and the pipelines for which the credential manager has them.
struct Scope<'a> {
    names: Vec<&'a str>,
    pipelines: Vec<&'a str>,
}

/// The rows ``| `name`, `name` | pipeline, pipeline | what it is |`` of the page.
fn scopes(page: &str) -> Vec<Scope<'_>> {
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let names = cells.next()?.split('`').step_by(2);
        let pipelines = cells.next()?.split(',').map(str::trim);
        Some(Scope {
            names: names.filter(|name| name.contains('.')).collect(),
            pipelines: pipelines.collect(),
        })
    });
    rows.filter(|scope| !scope.names.is_empty()).collect()
}

/// Every secret is there for the pipelines that use it, and for no other: a team-wide secret can be read
/// by anyone who can push to any branch from which a pipeline takes task files.
fn scoped(scopes: &[Scope<'_>], parsed: &Parsed, files: &Files, faults: &mut Faults) {
    for scope in scopes {
        for pipeline in &scope.pipelines {
            if !parsed.pipelines.contains_key(*pipeline) {
                let names = scope.names.join(", ");
                faults.add(PAGE, format_args!("{names}: {pipeline:?} is not a pipeline; a secret of the whole team is in reach of every pipeline"));
            }
        }
    }
    for (path, text) in files.pipelines() {
        let pipeline = path
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".yml");
        let used: BTreeSet<_> = variables(text)
            .filter(|name| name.contains('.') && !name.contains(':'))
            .collect();
        for scope in scopes {
            let listed = scope.pipelines.contains(&pipeline);
            for name in &scope.names {
                if used.contains(name) && !listed {
                    faults.add(path, format_args!("(({name})) is not listed for {pipeline} in {PAGE}: it would be a secret of the whole team"));
                }
                if listed && !used.contains(name) {
                    faults.add(
                        PAGE,
                        format_args!("{name} is listed for {pipeline}, which does not use it"),
                    );
                }
            }
        }
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
                format_args!("{name}: the context {context:?} is not a cluster of {environment}"),
            ),
            Err(error) => faults.add(FILE, format_args!("{name}: {error}")),
        }
    }
}

/// The names between double parentheses, outside of comments.
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
