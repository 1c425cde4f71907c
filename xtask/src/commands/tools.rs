//! `cargo xtask tools list|install`: other programs, in pinned versions.
//!
//! Every download is pinned by a checksum: go.sum for Go, the crates' lock files for Rust.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::{ToolsArgs, ToolsCommand};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools::{self, FOLDER, GoTool, Source, TOOLS, Tool};

/// Runs the command.
pub(crate) fn run(args: &ToolsArgs) -> Result<()> {
    match &args.command {
        ToolsCommand::List => list(),
        ToolsCommand::Install { names, group: None } => install(names),
        ToolsCommand::Install {
            group: Some(group), ..
        } => install_missing(group),
    }
}

fn list() -> Result<()> {
    for tool in TOOLS {
        let version = version(tool)?.unwrap_or_else(|| "any".to_owned());
        printing::println!(
            "{:<22} {version:<10} {:<9} {}",
            tool.name,
            state(tool)?,
            tool.purpose
        );
    }
    Ok(())
}

/// `ready`: installed by us in the pinned version. `on PATH`: another one, whose version is not checked.
fn state(tool: &Tool) -> Result<&'static str> {
    if matches!(tool.source, Source::Go(_)) && is_current(tool)? {
        return Ok("ready");
    }
    Ok(if tools::is_installed(tool.name) {
        "on PATH"
    } else {
        "missing"
    })
}

/// Installs what the group lacks; a tool that is there, in any version, is left as it is.
fn install_missing(group: &str) -> Result<()> {
    let absent: Vec<String> = tools::of_group(group)
        .iter()
        .filter(|name| !tools::is_installed(name))
        .map(|name| (*name).to_owned())
        .collect();
    if absent.is_empty() {
        printing::eprintln!("nothing to install: {}", tools::of_group(group).join(", "));
        return Ok(());
    }
    install(&absent)
}

fn install(names: &[String]) -> Result<()> {
    for name in names {
        if tools::find(name).is_none() {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{name}` is not in the list of tools"),
                "only listed tools have a pinned version",
                "see them: cargo xtask tools list",
            )
            .into());
        }
    }
    let wanted = TOOLS.iter().filter(|tool| {
        if names.is_empty() {
            !tools::is_installed(tool.name)
        } else {
            names.iter().any(|name| name == tool.name)
        }
    });
    let mut left = Vec::new();
    for tool in wanted {
        match &tool.source {
            Source::Go(_) if is_current(tool)? => {
                printing::eprintln!("{} is installed in the pinned version", tool.name);
            }
            Source::Go(go) => build(tool, go)?,
            Source::Cargo { version } => cargo_install(tool.name, version)?,
            Source::System if tools::is_installed(tool.name) => {}
            Source::System => left.push(format!("{}: {}", tool.name, tool.install)),
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    // Without names, installs everything pinned here; naming a tool of the operating system is an error.
    if names.is_empty() {
        printing::eprintln!(
            "not installed, because they come with the operating system:\n  {}",
            left.join("\n  ")
        );
        return Ok(());
    }
    Err(Failure::new(
        Kind::Missing,
        "some tools come with the operating system",
        "their versions depend on the machine or the cluster",
        left.join("\n"),
    )
    .into())
}

fn cargo_install(name: &str, version: &str) -> Result<()> {
    tool("cargo")
        .args(["install", name, "--locked", "--version", version])
        .run()
}

fn build(tool_: &Tool, go: &GoTool) -> Result<()> {
    let version = go_version(go)?;
    std::fs::create_dir_all(FOLDER).with_context(|| format!("cannot make {FOLDER}"))?;
    let binary = std::path::absolute(Path::new(FOLDER).join(tool_.name))?;
    let linker = go.version_variable.map_or_else(
        || "-s -w".to_owned(),
        |variable| format!("-s -w -X {variable}={version}"),
    );
    tool("go")
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false"])
        .arg(format!("-tags={}", go.tags))
        .arg(format!("-ldflags={linker}"))
        .arg("-o")
        .arg(&binary)
        .arg(format!("{}{}", go.module, go.package))
        .current_dir(Path::new("xtask/tools").join(go.folder))
        // Uses the installed Go toolchain; never downloads one for a go.mod.
        .env("GOTOOLCHAIN", "local")
        .env("CGO_ENABLED", "0")
        .run()?;
    let stamp = stamp_path(tool_);
    std::fs::write(&stamp, stamp_of(go)?)
        .with_context(|| format!("cannot write {}", stamp.display()))
}

/// The pinned version of a tool, if any.
fn version(tool: &Tool) -> Result<Option<String>> {
    match &tool.source {
        Source::Go(go) => go_version(go).map(Some),
        Source::Cargo { version } => Ok(Some((*version).to_owned())),
        Source::System => Ok(None),
    }
}

fn go_version(go: &GoTool) -> Result<String> {
    let path = go_mod(go);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    required_version(&text, go.module)
        .map(str::to_owned)
        .with_context(|| format!("{} does not contain {}", path.display(), go.module))
}

fn required_version<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| {
        let line = line.trim().trim_start_matches("require ");
        let version = line.strip_prefix(module)?.strip_prefix(' ')?;
        version.split_whitespace().next()
    })
}

fn is_current(tool: &Tool) -> Result<bool> {
    let Source::Go(go) = &tool.source else {
        return Ok(false);
    };
    let stamp = std::fs::read_to_string(stamp_path(tool)).unwrap_or_default();
    Ok(Path::new(FOLDER).join(tool.name).is_file() && stamp == stamp_of(go)?)
}

/// A built program's inputs: the pinned modules and the build settings.
fn stamp_of(go: &GoTool) -> Result<String> {
    let sums = std::fs::read_to_string(go_mod(go).with_file_name("go.sum"))?;
    let module = std::fs::read_to_string(go_mod(go))?;
    Ok(format!("{}\n{module}\n{sums}", go.tags))
}

fn stamp_path(tool: &Tool) -> PathBuf {
    Path::new(FOLDER).with_file_name(format!("{}.stamp", tool.name))
}

fn go_mod(go: &GoTool) -> PathBuf {
    Path::new("xtask/tools").join(go.folder).join("go.mod")
}

#[cfg(test)]
mod tests {
    use super::{TOOLS, required_version, version};

    #[test]
    fn every_tool_that_is_pinned_has_its_version_in_its_go_mod() {
        xtask::run_tool::enter_repository_root().expect("is there");
        for tool in TOOLS {
            version(tool).unwrap_or_else(|error| panic!("{}: {error:#}", tool.name));
        }
    }

    #[test]
    fn a_module_is_not_taken_for_one_that_begins_like_it() {
        let text =
            "require (\n\tgithub.com/a/b/v2 v2.0.0\n\tgithub.com/a/b v1.4.0 // indirect\n)\n";
        assert_eq!(required_version(text, "github.com/a/b"), Some("v1.4.0"));
        assert_eq!(required_version(text, "github.com/a"), None);
    }
}
