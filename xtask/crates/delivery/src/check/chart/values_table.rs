//! The table of values in the chart's README, made from values.yaml and, for the service's settings, from the schema.
//!
//! A description is written before its value as `# -- …`; a value below a described one needs none.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

use xtask::failure::{Failure, Kind};
use xtask::generated::{Generated, between};

const VALUES: &str = "helm-chart/values.yaml";
const SCHEMA: &str = "helm-chart/values.schema.json";
const README: &str = "helm-chart/README.md";
const BEGIN: &str = "<!-- values: begin -->\n";
const END: &str = "<!-- values: end -->";

/// One row.
struct Row {
    path: String,
    text: String,
    /// The default, where values.yaml has none.
    default: Option<String>,
}

/// The README with its table; fails if a value has no description.
pub(super) fn generated() -> Result<Generated> {
    let source =
        std::fs::read_to_string(VALUES).with_context(|| format!("cannot read {VALUES}"))?;
    let values: Value = serde_saphyr::from_str(&source)?;
    let mut rows = rows(&source);
    let bare = undocumented(&values, "", &rows);
    if !bare.is_empty() {
        return Err(Failure::new(
            Kind::Check,
            format!("values without a description: {}", bare.join(", ")),
            format!("every value in {VALUES} needs a description"),
            "write `# -- …` before each",
        )
        .into());
    }
    let schema =
        std::fs::read_to_string(SCHEMA).with_context(|| format!("cannot read {SCHEMA}"))?;
    add_settings(&mut rows, &serde_json::from_str(&schema)?);
    let readme =
        std::fs::read_to_string(README).with_context(|| format!("cannot read {README}"))?;
    Ok(Generated::new(
        README,
        with_table(&readme, &table(&rows, &values)?)?,
    ))
}

/// Reads every description with the path of the value that follows it.
fn rows(source: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut text: Option<String> = None;
    for line in source.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if let Some(comment) = line.strip_prefix("# -- ") {
            text = Some(comment.to_owned());
            continue;
        }
        let Some((key, _)) = line
            .split_once(':')
            .filter(|_| !line.starts_with(['#', '-']))
        else {
            continue;
        };
        path.retain(|(other, _)| *other < indent);
        path.push((indent, key.to_owned()));
        if let Some(text) = text.take() {
            let names: Vec<&str> = path.iter().map(|(_, name)| name.as_str()).collect();
            rows.push(Row {
                path: names.join("."),
                text,
                default: None,
            });
        }
    }
    rows
}

/// The settings that values.yaml leaves to the service, after those that it has.
fn add_settings(rows: &mut Vec<Row>, schema: &Value) {
    let settings = schema.pointer("/properties/config/properties");
    let settings = settings.and_then(Value::as_object);
    let mut missing: Vec<Row> = settings
        .into_iter()
        .flatten()
        .map(|(name, setting)| Row {
            path: format!("config.{name}"),
            text: setting["description"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            default: Some(match &setting["default"] {
                Value::Null => "not set".to_owned(),
                default => format!("`{default}`"),
            }),
        })
        .filter(|row| !rows.iter().any(|other| other.path == row.path))
        .collect();
    let is_setting = |row: &Row| row.path.starts_with("config.");
    let end = rows
        .iter()
        .rposition(is_setting)
        .map_or(rows.len(), |last| last + 1);
    let after = rows.split_off(end);
    rows.append(&mut missing);
    rows.extend(after);
}

/// Leaves that have no row.
fn undocumented(value: &Value, path: &str, rows: &[Row]) -> Vec<String> {
    if rows.iter().any(|row| row.path == path) {
        return Vec::new();
    }
    match value.as_object().filter(|object| !object.is_empty()) {
        Some(object) => object
            .iter()
            .flat_map(|(key, inner)| {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                undocumented(inner, &path, rows)
            })
            .collect(),
        None => vec![path.to_owned()],
    }
}

fn table(rows: &[Row], values: &Value) -> Result<String> {
    let mut table = String::from("| value | default | what it is |\n| --- | --- | --- |\n");
    for row in rows {
        let pointer = format!("/{}", row.path.replace('.', "/"));
        let default = if let Some(default) = &row.default {
            default.clone()
        } else {
            let value = values.pointer(&pointer);
            let value = value.with_context(|| format!("{} is not a value", row.path))?;
            format!("`{value}`")
        };
        writeln!(
            table,
            "| `{}` | {default} | {} |",
            row.path,
            row.text.replace('|', "\\|")
        )?;
    }
    Ok(table)
}

fn with_table(readme: &str, table: &str) -> Result<String> {
    between(readme, BEGIN, END, table)
        .with_context(|| format!("{README} has no place for its table: {BEGIN}…{END}"))
}

#[cfg(test)]
mod tests {
    use super::{add_settings, rows, table, undocumented, with_table};

    const SOURCE: &str = "# a note\nimage:\n  # -- Where it lies.\n  repository: a/b\n  digest: \"\"\n# -- How many.\nreplicas: 2\n";

    #[test]
    fn a_text_belongs_to_the_value_after_it() {
        let values = serde_saphyr::from_str(SOURCE).expect("is YAML");
        let table = table(&rows(SOURCE), &values).expect("has all values");
        assert!(
            table.contains("| `image.repository` | `\"a/b\"` | Where it lies. |"),
            "{table}"
        );
        assert!(
            table.contains("| `replicas` | `2` | How many. |"),
            "{table}"
        );
    }

    #[test]
    fn settings_that_the_chart_leaves_to_the_service_follow_those_that_it_has() {
        let source = "config:\n  # -- Where.\n  listen: a\n# -- How many.\nreplicas: 2\n";
        let mut rows = rows(source);
        let schema = serde_json::json!({"properties": {"config": {"properties": {
            "listen": {"description": "x"}, "poolSize": {"description": "Size.", "default": 16}, "syslog": {"description": "Server."}}}}});
        add_settings(&mut rows, &schema);
        let values = serde_saphyr::from_str(source).expect("is YAML");
        let table = table(&rows, &values).expect("has all values");
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| `config.listen` | `\"a\"` | Where. |",
                "| `config.poolSize` | `16` | Size. |",
                "| `config.syslog` | not set | Server. |",
                "| `replicas` | `2` | How many. |",
            ]
        );
    }

    #[test]
    fn a_value_without_a_text_is_found() {
        let values = serde_saphyr::from_str(SOURCE).expect("is YAML");
        assert_eq!(undocumented(&values, "", &rows(SOURCE)), ["image.digest"]);
    }

    #[test]
    fn only_the_table_of_the_readme_is_replaced() {
        let readme = "# Chart\n<!-- values: begin -->\nold\n<!-- values: end -->\nrest\n";
        let new = with_table(readme, "new\n").expect("has a place for it");
        assert_eq!(
            new,
            "# Chart\n<!-- values: begin -->\nnew\n<!-- values: end -->\nrest\n"
        );
    }
}
