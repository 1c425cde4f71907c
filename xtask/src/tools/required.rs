//! What a command needs, checked before it does anything, with one command that installs what is missing.

use super::{Source, find, is_installed, missing};
use crate::failure::{Failure, Kind};

/// The tools of a group of commands, for `cargo xtask tools install --for`.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("deploy", &["kubectl", "helm", "cargo-auditable"]),
    ("sign", &["cosign"]),
    ("chart", &["helm", "helm3", "helm-unittest", "kubeconform"]),
    ("rules", &["promtool", "amtool"]),
];

/// The tools of the group.
pub fn of_group(name: &str) -> &'static [&'static str] {
    let group = GROUPS.iter().find(|(known, _)| *known == name);
    group.map_or(&[], |(_, tools)| tools)
}

/// Fails (exit code 3) unless all of these programs can be run.
pub fn require(names: &[&str]) -> anyhow::Result<()> {
    let absent: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !is_installed(name))
        .collect();
    match absent.as_slice() {
        [] => Ok(()),
        [name] => Err(missing(name)),
        several => Err(Failure::new(
            Kind::Missing,
            format!("{} are not installed", several.join(" and ")),
            purposes(several),
            installation(several),
        )
        .into()),
    }
}

fn purposes(names: &[&str]) -> String {
    let lines = names.iter().filter_map(|name| {
        let tool = find(name)?;
        Some(format!("{name}: {}", tool.purpose))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One command for those that we install, and a line for each other one.
fn installation(names: &[&str]) -> String {
    let is_ours =
        |name: &&str| find(name).is_some_and(|tool| !matches!(tool.source, Source::System));
    let (ours, others): (Vec<&str>, Vec<&str>) = names.iter().copied().partition(is_ours);
    let mut lines = Vec::new();
    if !ours.is_empty() {
        lines.push(format!("cargo xtask tools install {}", ours.join(" ")));
    }
    lines.extend(others.iter().map(|name| match find(name) {
        Some(tool) => format!("{name}: {}", tool.install),
        None => format!("install {name}"),
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, installation, require};
    use crate::failure::exit_code;
    use crate::tools::find;

    #[test]
    fn every_tool_of_a_group_is_in_the_list() {
        for (group, names) in GROUPS {
            for name in *names {
                assert!(find(name).is_some(), "{group}: {name}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_installed_by_one_command() {
        assert!(require(&["sh"]).is_ok());
        let error = require(&["sh", "no-such-one", "no-such-other"]).expect_err("are missing");
        assert_eq!(exit_code(&error), 3);
        assert_eq!(
            error.to_string(),
            "no-such-one and no-such-other are not installed"
        );
        let lines = installation(&["helm", "kubectl", "cargo-auditable"]);
        assert!(
            lines.starts_with("cargo xtask tools install helm cargo-auditable\nkubectl: see "),
            "{lines}"
        );
    }
}
