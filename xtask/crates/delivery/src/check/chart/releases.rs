//! The chart under other names and on other ways: two releases in a namespace, an aliased subchart, a package, a copy without
//! links (what Flux makes of a repository). Must not know single templates.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cluster::{CHART, changes};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

/// Everything that names series: rules, dashboards, the `ServiceMonitor`.
const VALUES: &str = r#"{"config": {"auth": "disabled"}, "monitoring": {"serviceMonitor": {"enabled": true},
    "prometheusRule": {"enabled": true}, "dashboards": {"enabled": true}}}"#;
/// Matchers of the rules as they are written, for a release called `roster`; in another release none may be left.
const CONSTANTS: [&str; 6] = [
    r#"job="roster""#,
    r#"deployment="roster""#,
    r#"horizontalpodautoscaler="roster""#,
    r#"job_name=~"roster"#,
    r#"container="roster"}"#,
    r#"name=~"roster"#,
];
const NAMESPACE: &str = "directory";

/// Fails when names of releases meet, or when a way of delivery changes the objects.
pub(super) fn check() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let values = folder.path().join("values.yaml");
    fs::write(&values, VALUES)?;
    let copy = folder.path().join("copy");
    copy_without_links(Path::new(CHART), &copy)?;
    for helm in ["helm", "helm3"] {
        two_releases(helm, &values, folder.path())?;
        aliases(helm, &copy, folder.path())?;
        same_objects(helm, &copy, &values, folder.path())?;
    }
    printing::eprintln!(
        "names: two releases in a namespace and two aliases of a subchart stay apart; the package and a copy without links \
         render the same objects"
    );
    Ok(())
}

fn fault(what: impl Into<String>, why: impl Into<String>) -> anyhow::Error {
    let next = "correct helm-chart/templates/_names.tpl or _monitoring.tpl";
    Failure::new(Kind::Check, what, why, next).into()
}

fn render(helm: &str, release: &str, chart: &Path, values: &Path) -> Result<String> {
    tool(helm)
        .args(["template", release])
        .arg(chart)
        .arg(format!("--namespace={NAMESPACE}"))
        .args(["--kube-version=1.36.0", "--values"])
        .arg(values)
        .quiet()
        .output()
}

/// Neither objects nor series of two releases in one namespace meet, and each one's alerts are about itself.
fn two_releases(helm: &str, values: &Path, folder: &Path) -> Result<()> {
    let chart = Path::new(CHART);
    let mut seen = BTreeSet::new();
    let mut rules = Vec::new();
    for release in [
        "people",
        "staff-directory-of-the-whole-organisation-in-europe",
    ] {
        let text = render(helm, release, chart, values)?;
        without_constants(release, &text)?;
        unique(&mut seen, &text)?;
        rules.push(rules_of(&text, release, folder)?);
    }
    apart(&rules, folder)
}

fn without_constants(release: &str, text: &str) -> Result<()> {
    let left: Vec<&str> = text
        .lines()
        .filter(|line| CONSTANTS.iter().any(|constant| line.contains(constant)))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let what = format!("rules or dashboards of release {release} select another's series");
    Err(fault(what, left.join("\n")))
}

/// Names of objects, by kind, are used once.
fn unique(seen: &mut BTreeSet<String>, text: &str) -> Result<()> {
    for name in changes::parse(text)?.into_keys() {
        if !seen.insert(name.clone()) {
            return Err(fault("two releases have an object of one name", name));
        }
    }
    Ok(())
}

/// The rules of a render, as a file that promtool reads.
fn rules_of(text: &str, release: &str, folder: &Path) -> Result<std::path::PathBuf> {
    let objects = changes::parse(text)?;
    let (_, rule) = objects
        .iter()
        .find(|(name, _)| name.starts_with("PrometheusRule/"))
        .with_context(|| format!("release {release} has no PrometheusRule"))?;
    let mut spec = rule["spec"].clone();
    // An operator keeps groups of two objects apart by their files.
    for group in spec["groups"].as_array_mut().into_iter().flatten() {
        let name = format!("{release}-{}", group["name"].as_str().unwrap_or_default());
        group["name"] = json!(name);
    }
    let path = folder.join(format!("{release}.json"));
    fs::write(&path, spec.to_string())?;
    Ok(path)
}

/// One of the two releases is down, the other serves.
fn apart(rules: &[std::path::PathBuf], folder: &Path) -> Result<()> {
    let test = folder.join("test.json");
    fs::write(&test, two_releases_test(rules).to_string())?;
    for promtool in tools::all("promtool") {
        let promtool = promtool.display().to_string();
        tool(&promtool)
            .args(["check", "rules"])
            .args(rules)
            .quiet()
            .output()?;
        tool(&promtool)
            .args(["test", "rules"])
            .arg(&test)
            .quiet()
            .output()
            .map_err(|error| {
                fault(
                    "alerts of a release are about another one in the namespace",
                    error
                        .downcast_ref::<Failure>()
                        .map_or_else(|| error.to_string(), |failure| failure.why.clone()),
                )
            })?;
    }
    Ok(())
}

fn two_releases_test(rules: &[std::path::PathBuf]) -> Value {
    let pod = |release: &str| {
        format!("job=\"{release}\",namespace=\"{NAMESPACE}\",instance=\"{release}:8081\"")
    };
    let (healthy, down) = ("people-roster", "staff-directory-of-the-whole-or-30d1e547");
    let series = |text: String, values: &str| json!({"series": text, "values": values});
    let deployment = |metric: &str, name: &str, values: &str| {
        series(
            format!("{metric}{{namespace=\"{NAMESPACE}\",deployment=\"{name}\"}}"),
            values,
        )
    };
    let requests = "roster_http_requests_total";
    let expect = |expression: &str, labels: &[String]| {
        let samples: Vec<Value> = labels
            .iter()
            .map(|labels| json!({"labels": labels, "value": 1}))
            .collect();
        json!({"expr": expression, "eval_time": "30m", "exp_samples": samples})
    };
    let firing = |alert: &str| {
        format!("count by (job, namespace) (ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}})")
    };
    let of = |release: &str| format!("{{job=\"{release}\",namespace=\"{NAMESPACE}\"}}");
    json!({
        "rule_files": rules,
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": [
                series(format!("up{{{}}}", pod(healthy)), "1x40"),
                series(format!("up{{{}}}", pod(down)), "0x40"),
                series(format!("roster_build_info{{{},version=\"1\"}}", pod(healthy)), "1x40"),
                series(format!("{requests}{{{},route=\"/v1/users\",code=\"500\"}}", pod(healthy)), "0+600x40"),
                deployment("kube_deployment_spec_replicas", healthy, "3x40"),
                deployment("kube_deployment_status_replicas_available", healthy, "3x40"),
                deployment("kube_deployment_spec_replicas", down, "3x40"),
                deployment("kube_deployment_status_replicas_available", down, "0x40"),
            ],
            "promql_expr_test": [
                expect(&firing("RosterAbsent"), &[of(down)]),
                expect(&firing("RosterReplicasUnavailable"), &[of(down)]),
                expect("count by (job, namespace) (namespace_job_slo:roster_errors:rate5m{slo=\"availability\"} > 0)", &[of(healthy)]),
            ],
        }],
    })
}

/// The chart twice in one release, as a subchart under two names.
fn aliases(helm: &str, chart: &Path, folder: &Path) -> Result<()> {
    let umbrella = folder.join("umbrella");
    if !umbrella.exists() {
        fs::create_dir_all(umbrella.join("charts"))?;
        copy_without_links(chart, &umbrella.join("charts/roster"))?;
        let version = env!("CARGO_PKG_VERSION");
        let dependency =
            |alias: &str| json!({"name": "roster", "version": version, "alias": alias});
        let manifest = json!({
            "apiVersion": "v2", "name": "umbrella", "version": "1.0.0",
            "dependencies": [dependency("people"), dependency("staff")],
        });
        fs::write(umbrella.join("Chart.yaml"), manifest.to_string())?;
    }
    let of_one: Value = serde_json::from_str(VALUES)?;
    let values = folder.join("umbrella-values.yaml");
    fs::write(
        &values,
        json!({"people": of_one, "staff": of_one}).to_string(),
    )?;
    // A release whose name holds both aliases: each of them alone would take it for its own.
    let text = render(helm, "people-and-staff", &umbrella, &values)?;
    let mut documents = 0;
    for document in text.split("\n---\n") {
        documents += usize::from(document.contains("\nkind: "));
    }
    without_constants("people-and-staff", &text)?;
    let objects = changes::parse(&text)?;
    if objects.len() != documents {
        let why = format!("{documents} objects have {} names", objects.len());
        return Err(fault("two aliases of a subchart share names", why));
    }
    let selectors: BTreeSet<String> = objects
        .iter()
        .filter(|(name, _)| name.starts_with("Deployment/"))
        .map(|(_, object)| object["spec"]["selector"].to_string())
        .collect();
    if selectors.len() != 2 {
        let why = format!("{selectors:?}");
        return Err(fault("two aliases of a subchart select the same pods", why));
    }
    Ok(())
}

/// What Flux (a copy without links), a registry (a package) and a checkout (the folder) deliver is the same.
fn same_objects(helm: &str, copy: &Path, values: &Path, folder: &Path) -> Result<()> {
    let packages = folder.join(helm);
    tool(helm)
        .args(["package", CHART, "--destination"])
        .arg(&packages)
        .quiet()
        .output()?;
    let package = packages.join(format!("roster-{}.tgz", env!("CARGO_PKG_VERSION")));
    let wanted = render(helm, "roster", Path::new(CHART), values)?;
    for (way, chart) in [
        ("the package", package.as_path()),
        ("a copy without links", copy),
    ] {
        let made = render(helm, "roster", chart, values)?;
        if made != wanted {
            let difference = changes::between(&changes::parse(&wanted)?, &changes::parse(&made)?)?;
            let what = format!("{way} renders other objects than {CHART}, with {helm}");
            return Err(Failure::new(
                Kind::Check,
                what,
                difference,
                "keep files that templates read in helm-chart/ itself, and out of .helmignore",
            )
            .into());
        }
    }
    Ok(())
}

/// Links are left out, as Flux's source-controller leaves them out of its archives.
fn copy_without_links(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_without_links(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
