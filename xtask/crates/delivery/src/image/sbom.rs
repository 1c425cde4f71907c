//! The image's components as a `CycloneDX` document (SBOM).
//!
//! It lists what cargo links into the binary for this target, from the lock file, without build tools and tests.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::assemble::Description;
use xtask::run_tool::tool;

/// The path of the document.
pub(crate) const FILE: &str = "target/image.cdx.json";

/// Writes the document; returns the number of components.
pub(crate) fn write(target: &str, description: &Description) -> Result<usize> {
    let metadata = tool("cargo")
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--filter-platform",
        ])
        .arg(target)
        .quiet()
        .output()?;
    let document = document(&serde_json::from_str(&metadata)?, description)?;
    let count = document["components"].as_array().map_or(0, Vec::len);
    // Cargo's own target folder may be elsewhere.
    std::fs::create_dir_all("target").context("cannot make the folder target")?;
    std::fs::write(FILE, serde_json::to_string_pretty(&document)? + "\n")
        .with_context(|| format!("cannot write {FILE}"))?;
    Ok(count)
}

fn document(metadata: &Value, description: &Description) -> Result<Value> {
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let root = packages
        .iter()
        .find(|(_, package)| package["name"] == "roster")
        .map(|(id, _)| *id)
        .context("the workspace has no package `roster`")?;

    let mut linked = BTreeSet::from([root]);
    let mut queue = vec![root];
    let mut dependencies = Vec::new();
    while let Some(id) = queue.pop() {
        let mut direct: Vec<&str> = list(&nodes[id]["deps"])
            .filter(|dep| list(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null()))
            .filter_map(|dep| dep["pkg"].as_str())
            .collect();
        direct.sort_unstable();
        queue.extend(direct.iter().filter(|dep| linked.insert(dep)));
        dependencies.push(json!({
            "ref": purl(packages[id]),
            "dependsOn": direct.iter().map(|dep| purl(packages[dep])).collect::<Vec<_>>(),
        }));
    }
    dependencies.sort_by_key(|dependency| dependency["ref"].to_string());
    let components: Vec<Value> = linked
        .iter()
        .filter(|id| **id != root)
        .map(|id| component(packages[id]))
        .collect();
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": description.created,
            "component": {
                "type": "application",
                "bom-ref": purl(packages[root]),
                "name": "roster",
                "version": description.version,
                "purl": purl(packages[root]),
                "properties": [{"name": "vcs:revision", "value": description.revision}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

fn component(package: &Value) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    });
    if let Some(license) = package["license"].as_str() {
        // Cargo still allows `/`, SPDX does not.
        component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
    }
    component
}

fn purl(package: &Value) -> String {
    let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::document;
    use crate::image::assemble::Description;

    #[test]
    fn what_is_linked_is_listed_and_build_tools_are_not() {
        let package = |name: &str| json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0"});
        let metadata = json!({
            "packages": [package("roster"), package("linked"), package("deeper"), package("builder")],
            "resolve": {"nodes": [
                {"id": "roster", "deps": [
                    {"pkg": "linked", "dep_kinds": [{"kind": null}]},
                    {"pkg": "builder", "dep_kinds": [{"kind": "build"}]},
                ]},
                {"id": "linked", "deps": [{"pkg": "deeper", "dep_kinds": [{"kind": null}]}]},
                {"id": "deeper", "deps": []},
                {"id": "builder", "deps": []},
            ]},
        });
        let description = Description {
            version: "1".to_owned(),
            revision: String::new(),
            source: String::new(),
            created: String::new(),
        };
        let document = document(&metadata, &description).expect("is a workspace");
        let names: Vec<&str> = document["components"]
            .as_array()
            .expect("is a list")
            .iter()
            .filter_map(|component| component["name"].as_str())
            .collect();
        assert_eq!(names, ["deeper", "linked"]);
        assert_eq!(
            document["components"][0]["licenses"][0]["expression"],
            "MIT OR Apache-2.0"
        );
    }
}
