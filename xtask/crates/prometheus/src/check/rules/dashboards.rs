//! Dashboards: valid against a schema, laid out without overlaps, and every linked dashboard exists. Whether their
//! queries find anything needs a running Roster: `cargo xtask dashboards` runs them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::rule_files::FOLDER;

/// Every fault, one line each.
pub(crate) fn faults() -> Result<Vec<String>> {
    let schema = Path::new(FOLDER).join("dashboard.schema.json");
    let schema = read(&schema)?;
    let validator = jsonschema::validator_for(&schema)
        .context("prometheus/dashboard.schema.json is not a valid schema")?;
    let mut faults = Vec::new();
    for path in paths()? {
        let dashboard = read(&path)?;
        let mut said: Vec<String> = validator
            .iter_errors(&dashboard)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        said.extend(layout_faults(&dashboard, stem));
        faults.extend(
            said.into_iter()
                .map(|fault| format!("{}: {fault}", path.display())),
        );
    }
    Ok(faults)
}

/// Every dashboard's file, by name.
pub(crate) fn paths() -> Result<Vec<PathBuf>> {
    let folder = Path::new(FOLDER).join("dashboards");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    Ok(paths)
}

/// Reads one JSON file.
pub(crate) fn read(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// Rules that a schema cannot express.
fn layout_faults(dashboard: &Value, stem: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if dashboard["uid"] != stem {
        faults.push(format!("its uid must be the file's name, {stem}"));
    }
    let panels = dashboard["panels"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for (index, panel) in panels.iter().enumerate() {
        let (x, _, w, _) = place(panel);
        if x + w > 24 {
            faults.push(format!("panel {} is wider than the page", panel["title"]));
        }
        for other in &panels[index + 1..] {
            if overlap(place(panel), place(other)) {
                faults.push(format!(
                    "panels {} and {} overlap",
                    panel["title"], other["title"]
                ));
            }
            if panel["id"] == other["id"] {
                faults.push(format!(
                    "panels {} and {} have one id",
                    panel["title"], other["title"]
                ));
            }
        }
    }
    faults
}

type Place = (u64, u64, u64, u64);

fn place(panel: &Value) -> Place {
    let at = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_default();
    (at("x"), at("y"), at("w"), at("h"))
}

fn overlap((x, y, w, h): Place, (other_x, other_y, other_w, other_h): Place) -> bool {
    x < other_x + other_w && other_x < x + w && y < other_y + other_h && other_y < y + h
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn panel(id: u32, x: u32, y: u32) -> Value {
        json!({"id": id, "title": format!("p{id}"), "gridPos": {"x": x, "y": y, "w": 8, "h": 8}})
    }

    fn faults_of(panels: &[Value]) -> Vec<String> {
        layout_faults(&json!({"uid": "a", "panels": panels}), "a")
    }

    #[test]
    fn panels_side_by_side_are_well_laid_out() {
        assert_eq!(
            faults_of(&[panel(1, 0, 0), panel(2, 8, 0), panel(3, 0, 8)]),
            [] as [&str; 0]
        );
    }

    #[test]
    fn overlapping_panels_twice_used_ids_and_a_page_too_narrow_are_told() {
        assert!(faults_of(&[panel(1, 0, 0), panel(2, 4, 7)])[0].contains("overlap"));
        assert!(faults_of(&[panel(1, 0, 0), panel(1, 8, 0)])[0].contains("one id"));
        assert!(faults_of(&[panel(1, 17, 0)])[0].contains("wider"));
        assert!(layout_faults(&json!({"uid": "b", "panels": []}), "a")[0].contains("uid"));
    }

    #[test]
    fn the_schema_refuses_a_panel_without_a_query_and_a_misspelt_key() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../prometheus");
        let schema = read(&folder.join("dashboard.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let good = read(&folder.join("dashboards/roster-slo.json")).unwrap();
        assert!(validator.is_valid(&good));
        let mut without = good.clone();
        without["panels"][1]["targets"] = json!([]);
        assert!(!validator.is_valid(&without));
        let mut misspelt = good;
        misspelt["panels"][1]["tittle"] = json!("x");
        assert!(!validator.is_valid(&misspelt));
    }
}
