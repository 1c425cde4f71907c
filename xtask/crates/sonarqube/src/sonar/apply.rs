//! Applies `sonarqube/quality-gate.toml` to the server: project, new code, gate, conditions, webhook.
//!
//! Reads first and changes only what differs, because the server's create calls are not idempotent.

use anyhow::{Context, Result};
use serde_json::Value;

use super::client::Client;
use super::quality_gate::{Condition, QualityGate};
use xtask::failure::{Failure, Kind};
use xtask::secrets;

/// The webhook's name on the server.
const WEBHOOK: &str = "roster";

/// Applies everything to the project of this branch; prints a line per item.
pub(crate) fn apply(client: &Client, gate: &QualityGate, branch: &str) -> Result<()> {
    let key = super::project_key(branch);
    project(client, gate, branch, &key)?;
    let conditions = conditions(client, gate)?;
    for change in changes(&conditions, &gate.conditions) {
        change.make(client, &gate.name)?;
    }
    client.post(
        "api/qualitygates/select",
        &[("gateName", &gate.name), ("projectKey", &key)],
    )?;
    said("gate", &gate.name, &format!("judges {key}"));
    webhook(client, &key)
}

fn said(kind: &str, name: &str, what: &str) {
    printing::eprintln!("{kind:<10} {name}: {what}");
}

fn project(client: &Client, gate: &QualityGate, branch: &str, key: &str) -> Result<()> {
    let found = client.get("api/projects/search", &[("projects", key)])?;
    if found["components"]
        .as_array()
        .is_some_and(|projects| !projects.is_empty())
    {
        said("project", key, "is there");
    } else {
        let name = format!("Roster ({branch})");
        let form = [
            ("name", name.as_str()),
            ("project", key),
            ("mainBranch", branch),
            ("visibility", "private"),
        ];
        client.post("api/projects/create", &form)?;
        said("project", key, "made");
    }
    let mut form = vec![("project", key), ("type", gate.new_code.kind.as_str())];
    if let Some(value) = &gate.new_code.value {
        form.push(("value", value));
    }
    client.post("api/new_code_periods/set", &form)?;
    Ok(())
}

/// A condition on the server.
struct Kept {
    id: String,
    metric: String,
    op: String,
    error: String,
}

/// The conditions of the gate, which is created if it does not exist.
fn conditions(client: &Client, gate: &QualityGate) -> Result<Vec<Kept>> {
    let show = || client.find("api/qualitygates/show", &[("name", &gate.name)]);
    let shown = if let Some(shown) = show()? {
        said("gate", &gate.name, "is there");
        shown
    } else {
        client.post("api/qualitygates/create", &[("name", &gate.name)])?;
        said("gate", &gate.name, "made");
        show()?.context("the gate that was just created does not exist")?
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let conditions = shown["conditions"].as_array().cloned().unwrap_or_default();
    let kept = conditions.iter().filter_map(|it| {
        Some(Kept {
            id: text(&it["id"])?,
            metric: text(&it["metric"])?,
            op: text(&it["op"])?,
            error: text(&it["error"])?,
        })
    });
    Ok(kept.collect())
}

/// One change of the gate.
#[derive(Debug, PartialEq, Eq)]
enum Change<'a> {
    Create(&'a Condition),
    Update(&'a str, &'a Condition),
    Delete(&'a str, &'a str),
}

fn changes<'a>(kept: &'a [Kept], wanted: &'a [Condition]) -> Vec<Change<'a>> {
    let obsolete = kept
        .iter()
        .filter(|kept| !wanted.iter().any(|it| it.metric == kept.metric));
    let mut changes: Vec<_> = obsolete
        .map(|kept| Change::Delete(&kept.id, &kept.metric))
        .collect();
    for condition in wanted {
        match kept.iter().find(|kept| kept.metric == condition.metric) {
            None => changes.push(Change::Create(condition)),
            Some(kept) if kept.op != condition.op || kept.error != condition.error => {
                changes.push(Change::Update(&kept.id, condition));
            }
            Some(_) => {}
        }
    }
    changes
}

impl Change<'_> {
    fn make(&self, client: &Client, gate: &str) -> Result<()> {
        let form = |condition: &Condition, first: (&'static str, String)| {
            [
                first,
                ("metric", condition.metric.clone()),
                ("op", condition.op.clone()),
                ("error", condition.error.clone()),
            ]
        };
        let post = |path: &str, form: &[(&str, String)]| {
            let form: Vec<_> = form
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            client.post(path, &form)
        };
        match self {
            Self::Create(condition) => {
                post(
                    "api/qualitygates/create_condition",
                    &form(condition, ("gateName", gate.to_owned())),
                )?;
                said("condition", &condition.metric, "made");
            }
            Self::Update(id, condition) => {
                post(
                    "api/qualitygates/update_condition",
                    &form(condition, ("id", (*id).to_owned())),
                )?;
                said("condition", &condition.metric, "changed");
            }
            Self::Delete(id, metric) => {
                post(
                    "api/qualitygates/delete_condition",
                    &[("id", (*id).to_owned())],
                )?;
                said("condition", metric, "removed: not in the file");
            }
        }
        Ok(())
    }
}

/// The webhook after an analysis: URL and secret are settings of the installation.
fn webhook(client: &Client, key: &str) -> Result<()> {
    let Some(url) = std::env::var("SONAR_WEBHOOK_URL")
        .ok()
        .filter(|url| !url.is_empty())
    else {
        said(
            "webhook",
            WEBHOOK,
            "unchanged: SONAR_WEBHOOK_URL is not set",
        );
        return Ok(());
    };
    let secret = secrets::variable("SONAR_WEBHOOK_SECRET")
        .filter(|secret| (16..=200).contains(&secret.len()));
    let Some(secret) = secret else {
        return Err(Failure::new(
            Kind::Usage,
            "SONAR_WEBHOOK_SECRET is not a valid secret",
            "anyone could forge a webhook without one; the server accepts 16 to 200 characters",
            "set it, for example to the output of `openssl rand -hex 32`",
        )
        .into());
    };
    let listed = client.get("api/webhooks/list", &[("project", key)])?;
    let known = listed["webhooks"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|it| it["name"] == WEBHOOK);
    let form = [
        ("name", WEBHOOK),
        ("url", url.as_str()),
        ("secret", secret.as_str()),
    ];
    if let Some(id) = known.and_then(|it| it["key"].as_str()) {
        client.post(
            "api/webhooks/update",
            &[&[("webhook", id)], &form[..]].concat(),
        )?;
        said("webhook", WEBHOOK, "exists; its URL and secret are set");
    } else {
        client.post(
            "api/webhooks/create",
            &[&[("project", key)], &form[..]].concat(),
        )?;
        said("webhook", WEBHOOK, "made");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Change, Kept, changes};
    use crate::sonar::quality_gate::Condition;

    fn wanted(metric: &str, error: &str) -> Condition {
        let text = format!("metric = {metric:?}\nop = \"GT\"\nerror = {error:?}\nwhy = \"\"");
        toml::from_str(&text).expect("a condition")
    }

    fn kept(metric: &str, error: &str) -> Kept {
        Kept {
            id: format!("id-{metric}"),
            metric: metric.into(),
            op: "GT".into(),
            error: error.into(),
        }
    }

    #[test]
    fn a_server_that_agrees_is_left_alone() {
        assert_eq!(changes(&[kept("a", "1")], &[wanted("a", "1")]), []);
    }

    #[test]
    fn only_what_differs_is_changed() {
        let (same, changed, new) = (
            wanted("same", "1"),
            wanted("changed", "2"),
            wanted("new", "3"),
        );
        let server = [
            kept("same", "1"),
            kept("changed", "9"),
            kept("obsolete", "0"),
        ];
        let wanted = [same, changed.clone(), new.clone()];
        let expected = [
            Change::Delete("id-obsolete", "obsolete"),
            Change::Update("id-changed", &changed),
            Change::Create(&new),
        ];
        assert_eq!(changes(&server, &wanted), expected);
    }
}
