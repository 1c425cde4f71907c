//! The tools that commands call: which, in which version, what for, and how to get each.
//!
//! This is the one list of them. Go tools are pinned in `xtask/tools/go.mod` and named here by their module.

use crate::failure::{Failure, Kind};

/// One tool that a command may call.
pub(crate) struct Tool {
    /// The program's name.
    pub(crate) name: &'static str,
    /// What it is needed for.
    pub(crate) purpose: &'static str,
    /// One line that installs it.
    pub(crate) install: &'static str,
}

/// Every tool beside cargo itself.
pub(crate) const TOOLS: &[Tool] = &[Tool {
    name: "cargo-deny",
    purpose: "licences, advisories and sources of dependencies (cargo xtask check deny)",
    install: "cargo install cargo-deny --locked --version 0.20.2",
}];

/// The tool of this name.
pub(crate) fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The failure for a tool that is not on this machine.
pub(crate) fn missing(name: &str) -> anyhow::Error {
    let (why, next) = find(name).map_or_else(
        || {
            (
                "no program of that name is on the PATH".to_owned(),
                format!("install {name}"),
            )
        },
        |tool| {
            (
                format!("it is needed for: {}", tool.purpose),
                format!("install it: {}", tool.install),
            )
        },
    );
    Failure::new(Kind::Missing, format!("{name} is not installed"), why, next).into()
}

/// Whether a program of this name is on the PATH.
pub(crate) fn is_installed(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}
