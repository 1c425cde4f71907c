//! What a release needs before it can be deployed.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{RULES, Rule, check_names, permissions, secrets};
use crate::cluster::changes::parse;

#[test]
fn a_deploy_asks_for_all_that_the_deployers_role_gives_for_a_release() {
    xtask::run_tool::enter_repository_root().expect("is there");
    let rules = std::fs::read_to_string(RULES).expect("is readable");
    let asked: Vec<_> = permissions(&rules)
        .expect("is well formed")
        .into_iter()
        .map(|it| format!("{} {}/{}", it.verb, it.group, it.resource))
        .collect();
    // Helm 4 waits by watching; the smoke test is a pod; a rollout is watched by the pods' metrics.
    for needed in [
        "watch apps/deployments",
        "watch batch/jobs",
        "create /pods",
        "get /pods/proxy",
        "patch /secrets",
        "update coordination.k8s.io/leases",
    ] {
        assert!(
            asked.iter().any(|it| it == needed),
            "{needed} is not asked for"
        );
    }
    let exec = asked
        .iter()
        .find(|it| it.contains("exec") || it.contains('*'));
    assert_eq!(exec, None, "a deploy needs no more than its own objects");
}

#[test]
fn a_release_with_other_names_is_refused_before_anything_is_watched() {
    let named = |name: &str| parse(&format!("kind: Deployment\nmetadata: {{name: {name}}}\n"));
    assert!(check_names(&named("roster").expect("parses")).is_ok());
    assert!(check_names(&named("directory").expect("parses")).is_err());
}

#[test]
fn a_secret_that_cert_manager_makes_need_not_exist() {
    let manifest = "
kind: Deployment
metadata: {name: a}
spec: {template: {spec: {volumes: [{name: d, secret: {secretName: database, items: [{key: url, path: url}]}}, {name: t, secret: {secretName: tls}}]}}}
---
kind: Certificate
metadata: {name: c}
spec: {secretName: tls}
";
    let wanted = secrets(&parse(manifest).expect("parses"));
    assert_eq!(wanted.keys().collect::<Vec<_>>(), ["database"]);
    assert_eq!(wanted["database"].keys().collect::<Vec<_>>(), ["url"]);
}

/// All of the deployer's rules.
#[derive(Deserialize)]
struct AllRules {
    release: Vec<Rule>,
    extensions: Vec<Rule>,
}

/// `HTTPRoute` of `gateway.networking.k8s.io/v1` as a Role names it.
fn resource(api_version: &str, kind: &str) -> (String, String) {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = kind.to_lowercase();
    let plural = match kind.strip_suffix('y') {
        Some(stem) if !kind.ends_with("ay") => format!("{stem}ies"),
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ => format!("{kind}s"),
    };
    (group.to_owned(), plural)
}

#[test]
fn the_deployers_role_covers_every_kind_of_object_of_the_chart() {
    xtask::run_tool::enter_repository_root().expect("is there");
    let rules = std::fs::read_to_string(RULES).expect("is readable");
    let rules: AllRules = serde_saphyr::from_str(&rules).expect("is well formed");
    let mut made = BTreeSet::new();
    for folder in ["helm-chart/templates", "helm-chart/templates/tests"] {
        for entry in std::fs::read_dir(folder).expect("is there") {
            let path = entry.expect("is readable").path();
            if path.extension().is_some_and(|end| end == "yaml") {
                let text = std::fs::read_to_string(&path).expect("is readable");
                let of = |name: &str| {
                    let lines = text.lines().filter_map(move |line| line.strip_prefix(name));
                    lines.map(str::trim).collect::<Vec<_>>()
                };
                let pairs = of("apiVersion:").into_iter().zip(of("kind:"));
                made.extend(pairs.map(|(version, kind)| resource(version, kind)));
            }
        }
    }
    assert!(made.contains(&(
        "gateway.networking.k8s.io".to_owned(),
        "httproutes".to_owned()
    )));
    let is_covered = |(group, resource): &(String, String)| {
        rules.release.iter().chain(&rules.extensions).any(|rule| {
            rule.api_groups.contains(group)
                && rule.resources.contains(resource)
                && ["get", "watch", "create", "delete"]
                    .iter()
                    .all(|verb| rule.verbs.iter().any(|given| given == verb))
        })
    };
    let missing: Vec<_> = made.iter().filter(|it| !is_covered(it)).collect();
    assert!(missing.is_empty(), "{RULES} does not have {missing:?}");
}
