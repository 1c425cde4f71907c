//! The environments: the values of each, and its clusters.
//!
//! A cluster is identified by its context's name. A cluster that the environment does not list is never changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::CHART;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

const FILE: &str = "helm-chart/environments/clusters.yaml";

/// One environment in `clusters.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Names of contexts; `*` matches any characters.
    contexts: Vec<String>,
    /// Namespace of the release.
    pub namespace: String,
    /// Whether to ask before changing anything.
    pub confirm: bool,
    /// `dev` or `production`.
    #[serde(skip)]
    pub name: String,
}

impl Environment {
    /// Reads the environment of this name.
    pub fn read(name: &str) -> Result<Self> {
        let mut all = read_all()?;
        let known = all.keys().cloned().collect::<Vec<_>>().join(", ");
        let mut environment = all.remove(name).ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("unknown environment `{name}`"),
                format!("{FILE} names: {known}"),
                "use one of them with --env",
            )
        })?;
        name.clone_into(&mut environment.name);
        Ok(environment)
    }

    /// Its values file.
    pub fn values(&self) -> PathBuf {
        PathBuf::from(format!("{CHART}/environments/{}.yaml", self.name))
    }

    /// Whether the cluster of this context belongs to it.
    pub fn has(&self, context: &str) -> bool {
        self.contexts
            .iter()
            .any(|pattern| matches(pattern, context))
    }

    /// The named context, if this environment may use it; else the current one.
    pub fn context(&self, named: Option<&str>) -> Result<String> {
        let Some(name) = named else {
            return self.current_context();
        };
        self.admit(name)?;
        let known = tool("kubectl")
            .args(["config", "get-contexts", "--output=name"])
            .quiet()
            .output()?;
        if known.lines().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        let known: Vec<_> = known.lines().collect();
        Err(Failure::new(
            Kind::Usage,
            format!("the kubeconfig has no context `{name}`"),
            match known.as_slice() {
                [] => "it has none; KUBECONFIG may name another file".to_owned(),
                known => format!("it has: {}", known.join(", ")),
            },
            format!(
                "name one of them: cargo xtask setup --env {} --context …, or set KUBECONFIG",
                self.name
            ),
        )
        .into())
    }

    /// Refuses a context that this environment must not use: one that it does not list, where changes are asked about, and
    /// elsewhere one that such an environment lists.
    fn admit(&self, context: &str) -> Result<()> {
        if self.has(context) {
            return Ok(());
        }
        if self.confirm {
            return Err(self.foreign(context).into());
        }
        let all = read_all()?;
        let owner = all
            .iter()
            .find(|(name, other)| **name != self.name && other.confirm && other.has(context));
        let Some((owner, _)) = owner else {
            return Ok(());
        };
        Err(Failure::new(
            Kind::Refused,
            format!(
                "the context `{context}` is a cluster of {owner}, not of {}",
                self.name
            ),
            format!("{FILE} names it there"),
            format!("name another context, or pass --env {owner}"),
        )
        .into())
    }

    /// The current context, if it belongs to this environment; refused otherwise.
    pub fn current_context(&self) -> Result<String> {
        let context = tool("kubectl")
            .args(["config", "current-context"])
            .quiet()
            .output()
            .map_err(|error| match error.downcast_ref::<Failure>() {
                Some(failure) if failure.kind == Kind::Missing => error,
                _ => no_context().into(),
            })?;
        let context = context.trim();
        if self.has(context) {
            return Ok(context.to_owned());
        }
        Err(self.foreign(context).into())
    }

    fn foreign(&self, context: &str) -> Failure {
        let next = if self.confirm {
            "switch (kubectl config use-context …), or add the cluster to that file in a reviewed change"
                .to_owned()
        } else {
            format!(
                "if it is a cluster for development, name it once: cargo xtask setup --env {} --context {context}",
                self.name
            )
        };
        Failure::new(
            Kind::Refused,
            format!("the context `{context}` is not a cluster of {}", self.name),
            format!("{FILE} names: {}", self.contexts.join(", ")),
            next,
        )
    }
}

fn no_context() -> Failure {
    Failure::new(
        Kind::Usage,
        "no cluster is selected",
        "the kubeconfig has no current context",
        "select one: kubectl config use-context …, or set KUBECONFIG",
    )
}

fn read_all() -> Result<BTreeMap<String, Environment>> {
    let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{FILE} is invalid"))
}

/// Whether the name matches the pattern, in which `*` matches any characters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(index, _)| index)
                .chain([rest.len()])
                .any(|index| matches(after, &rest[index..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, matches, read_all};

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(matches(
            "gke_*-dev_*_roster",
            "gke_acme-dev_europe-west1_roster"
        ));
        assert!(!matches(
            "gke_*-dev_*_roster",
            "gke_acme-production_europe-west1_roster"
        ));
        assert!(matches("kind-*", "kind-"));
        assert!(!matches("local", "local-2"));
    }

    #[test]
    fn development_takes_any_cluster_but_one_of_production_and_production_only_its_own() {
        xtask::run_tool::enter_repository_root().expect("is there");
        let dev = Environment::read("dev").expect("is known");
        let production = Environment::read("production").expect("is known");
        let own = "gke_acme_europe-west1_roster-production";
        assert!(dev.admit("somebody@somewhere.k8s.local").is_ok());
        assert!(production.admit(own).is_ok());
        let taken = dev.admit(own).expect_err("is of production");
        assert!(taken.to_string().contains("a cluster of production"));
        assert!(production.admit("kind-roster").is_err());
    }

    #[test]
    fn no_cluster_belongs_to_two_environments() {
        xtask::run_tool::enter_repository_root().expect("is there");
        let all = read_all().expect("is readable");
        for (name, environment) in &all {
            for (other, others) in all.iter().filter(|(other, _)| *other != name) {
                for context in &others.contexts {
                    let sample = context.replace('*', "x");
                    assert!(
                        !environment
                            .contexts
                            .iter()
                            .any(|pattern| matches(pattern, &sample)),
                        "{context} of {other} fits {name} too"
                    );
                }
            }
        }
    }
}
