//! The chart's `config` against the service's settings: what one knows, the other must.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use xtask::failure::{Failure, Kind};

const SCHEMA: &str = "helm-chart/values.schema.json";
const CONFIG: &str = "service/src/config.rs";
const CONFIG_FOLDER: &str = "service/src/config";

/// Settings that the chart sets by values of its own, or does not offer on purpose.
const ELSEWHERE: &[&str] = &[
    "ADMIN_LISTEN",
    "DATABASE_CA_FILE",
    "DATABASE_PASSWORD_FILE",
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "LISTEN",
    "LOG_FILE",
    // For tests of the service alone.
    "OIDC_ALLOW_PLAIN_HTTP",
    // The issuer is a public one; a private one's authority would need a volume that nobody has asked for yet.
    "OIDC_CA_FILE",
    "TLS_CERT",
    "TLS_KEY",
    "TOKEN_KEYS_FILE",
];

/// Fails when a setting is in one of them alone.
pub(super) fn check() -> Result<()> {
    let schema =
        std::fs::read_to_string(SCHEMA).with_context(|| format!("cannot read {SCHEMA}"))?;
    let chart = of_chart(&serde_json::from_str(&schema)?)?;
    let mut service = BTreeSet::new();
    for path in sources()? {
        service.extend(of_source(&std::fs::read_to_string(path)?));
    }
    let offered = |name: &&String| !ELSEWHERE.contains(&name.as_str());
    let unknown: Vec<_> = chart.difference(&service).map(String::as_str).collect();
    let lacking: Vec<_> = service
        .difference(&chart)
        .filter(offered)
        .map(String::as_str)
        .collect();
    if unknown.is_empty() && lacking.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        "the chart's `config` does not have the service's settings",
        format!(
            "not settings of the service: [{}]; not in the chart: [{}]",
            unknown.join(", "),
            lacking.join(", ")
        ),
        format!("add them to, or take them from, `config` in {SCHEMA}"),
    )
    .into())
}

fn sources() -> Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from(CONFIG)];
    if Path::new(CONFIG_FOLDER).is_dir() {
        for entry in std::fs::read_dir(CONFIG_FOLDER)? {
            files.push(entry?.path());
        }
    }
    Ok(files)
}

/// Names after `ROSTER_` in `env = "ROSTER_…"`.
fn of_source(source: &str) -> BTreeSet<String> {
    source
        .split("env = \"ROSTER_")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// The schema's names, as the chart turns them into variables.
fn of_chart(schema: &Value) -> Result<BTreeSet<String>> {
    let settings = schema
        .pointer("/properties/config/properties")
        .and_then(Value::as_object);
    let settings = settings.with_context(|| format!("{SCHEMA} has no `config`"))?;
    Ok(settings.keys().map(|name| upper_snake(name)).collect())
}

fn upper_snake(name: &str) -> String {
    let mut upper = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            upper.push('_');
        }
        upper.push(c.to_ascii_uppercase());
    }
    upper
}

#[cfg(test)]
mod tests {
    use super::{of_source, upper_snake};

    #[test]
    fn names_are_turned_as_the_chart_turns_them() {
        assert_eq!(upper_snake("poolWaitTimeoutMs"), "POOL_WAIT_TIMEOUT_MS");
        assert_eq!(upper_snake("h2c"), "H2C");
    }

    #[test]
    fn every_variable_of_a_source_is_found() {
        let source =
            "#[arg(long, env = \"ROSTER_A\")]\n#[arg(env = \"ROSTER_B_MS\", default_value_t = 1)]";
        assert_eq!(
            of_source(source).into_iter().collect::<Vec<_>>(),
            ["A", "B_MS"]
        );
    }
}
