//! The crates of the workspace, in the order in which breaking each of them compiles the least.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use xtask::run_tool::tool;

/// One crate of the workspace.
struct Member {
    name: String,
    /// The main source file, from the repository's root.
    source: String,
    /// Names of the crates of the workspace that it depends on.
    needs: Vec<String>,
}

/// The main source file of each crate, dependents before their dependencies.
///
/// A crate that was broken is compiled again once it is restored, and with it all that depends on it. In this order those
/// were broken before, and nothing but the next broken crate is compiled before the flow stops there.
pub(super) fn sources() -> Result<Vec<String>> {
    let listed = tool("cargo")
        .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
        .quiet()
        .output()?;
    let members = members(&serde_json::from_str(&listed)?)?;
    Ok(dependents_first(members))
}

fn members(metadata: &Value) -> Result<Vec<Member>> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let packages = metadata["packages"].as_array().context("no packages")?;
    packages
        .iter()
        .map(|package| {
            member(package, root).with_context(|| format!("{} has no sources", package["name"]))
        })
        .collect()
}

fn member(package: &Value, root: &str) -> Option<Member> {
    let targets = package["targets"].as_array()?;
    let of_kind = |kind: &str| targets.iter().find(|target| target["kind"][0] == kind);
    let target = of_kind("lib").or_else(|| of_kind("bin"))?;
    let source = Path::new(target["src_path"].as_str()?);
    let needs = package["dependencies"]
        .as_array()?
        .iter()
        .filter(|dependency| dependency["path"].is_string())
        .filter_map(|dependency| Some(dependency["name"].as_str()?.to_owned()));
    Some(Member {
        name: package["name"].as_str()?.to_owned(),
        source: source.strip_prefix(root).ok()?.display().to_string(),
        needs: needs.collect(),
    })
}

fn dependents_first(mut members: Vec<Member>) -> Vec<String> {
    let mut ordered = Vec::new();
    while !members.is_empty() {
        let needed = |name: &String| members.iter().any(|member| member.needs.contains(name));
        // Development dependencies may form a circle: then any order will do.
        let next = members.iter().position(|member| !needed(&member.name));
        ordered.push(members.remove(next.unwrap_or(0)).source);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{dependents_first, members};

    #[test]
    fn a_crate_is_broken_before_what_it_depends_on() {
        let package = |name: &str, kind: &str, needs: &[&str]| {
            let needs: Vec<_> = needs
                .iter()
                .map(|name| json!({"name": name, "path": format!("/r/{name}")}))
                .chain([json!({"name": "serde"})])
                .collect();
            json!({"name": name, "dependencies": needs,
                "targets": [{"kind": [kind], "src_path": format!("/r/{name}.rs")}]})
        };
        let metadata = json!({"workspace_root": "/r", "packages": [
            package("base", "lib", &[]),
            package("middle", "lib", &["base"]),
            package("alone", "bin", &[]),
            package("top", "bin", &["middle", "base"]),
        ]});
        let order = dependents_first(members(&metadata).expect("are listed"));
        assert_eq!(order, ["alone.rs", "top.rs", "middle.rs", "base.rs"]);
    }

    #[test]
    fn crates_that_test_each_other_are_all_broken() {
        let package = |name: &str, needs: &str| {
            json!({"name": name, "dependencies": [{"name": needs, "path": "/r"}],
                "targets": [{"kind": ["lib"], "src_path": format!("/r/{name}.rs")}]})
        };
        let metadata =
            json!({"workspace_root": "/r", "packages": [package("a", "b"), package("b", "a")]});
        let order = dependents_first(members(&metadata).expect("are listed"));
        assert_eq!(order.len(), 2);
    }
}
