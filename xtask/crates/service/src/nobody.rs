//! Servers that refuse to run as root, or should not, run as `nobody`; any other user runs them as itself.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// `nobody` has this number everywhere.
pub(crate) const NOBODY: u32 = 65_534;

/// Makes the program run as `nobody` if we are root.
pub(crate) fn as_nobody(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Makes `nobody` the owner of this directory if we are root.
pub(crate) fn give_away(folder: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY))
            .context("cannot change a directory's owner to nobody")?;
    }
    Ok(())
}
