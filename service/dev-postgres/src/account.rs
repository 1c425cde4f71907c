//! The account that a private server runs as: our own, or an unprivileged one if we are root, because PostgreSQL
//! refuses to run as root.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Reason};

/// The owner of the server's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// We are not root: the server runs as our user.
    Own,
    /// We are root: the server runs as this user and group.
    Other { user: u32, group: u32 },
}

impl Account {
    /// `postgres` or `nobody` when we are root.
    pub(crate) fn choose() -> Result<Self, Error> {
        if id(&["-u"])? != 0 {
            return Ok(Self::Own);
        }
        let of = |name| {
            Some(Self::Other {
                user: id(&["-u", name]).ok()?,
                group: id(&["-g", name]).ok()?,
            })
        };
        of("postgres").or_else(|| of("nobody")).ok_or_else(|| {
            Error::new(
                Reason::Failed,
                "PostgreSQL refuses to run as root",
                "this system has neither a user `postgres` nor `nobody` to run it as",
                "run this command as another user than root",
            )
        })
    }

    /// A command that runs as this account in `folder`, in a process group that the terminal's Ctrl-C does not reach.
    pub(crate) fn command(self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env("LC_ALL", "C")
            .process_group(0);
        for name in [
            "PGDATA",
            "PGPORT",
            "PGHOST",
            "PGOPTIONS",
            "PGUSER",
            "PGDATABASE",
        ] {
            command.env_remove(name);
        }
        if let Self::Other { user, group } = self {
            // The standard library also drops root's supplementary groups.
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or folder to this account.
    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group } => std::os::unix::fs::chown(path, Some(user), Some(group))
                .map_err(|error| Error::file("hand over", path, &error)),
        }
    }

    /// The folder for instances: the requested one, unless this account cannot reach it (below `/root`, for example).
    pub(crate) fn reachable_folder(self, wanted: &Path) -> Result<PathBuf, Error> {
        std::fs::create_dir_all(wanted).map_err(|error| Error::file("create", wanted, &error))?;
        let wanted = wanted
            .canonicalize()
            .map_err(|error| Error::file("find", wanted, &error))?;
        let Self::Other { user, .. } = self else {
            return Ok(wanted);
        };
        if wanted
            .ancestors()
            .skip(1)
            .all(|folder| may_pass(folder, user))
        {
            self.own(&wanted)?;
            return Ok(wanted);
        }
        self.folder_in_temp(&wanted)
    }

    /// One folder per requested folder, so that named instances of two clones do not collide.
    fn folder_in_temp(self, wanted: &Path) -> Result<PathBuf, Error> {
        let Self::Other { user, .. } = self else {
            return Ok(wanted.to_path_buf());
        };
        let inode = wanted
            .metadata()
            .map_err(|error| Error::file("read", wanted, &error))?
            .ino();
        let folder = std::env::temp_dir().join(format!("roster-postgres-{user}-{inode}"));
        match std::fs::create_dir(&folder) {
            Ok(()) => self.own(&folder)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::file("create", &folder, &error)),
        }
        // Anyone can create files in the temporary folder: use only what is ours.
        let found = folder
            .symlink_metadata()
            .map_err(|error| Error::file("read", &folder, &error))?;
        if !found.is_dir() || found.uid() != user {
            let why = format!("it is not a folder owned by user {user}");
            let next = format!("look at {} and remove it", folder.display());
            let what = format!("will not use {}", folder.display());
            return Err(Error::new(Reason::Failed, what, why, next));
        }
        Ok(folder)
    }
}

pub(crate) fn may_pass(folder: &Path, user: u32) -> bool {
    folder.metadata().is_ok_and(|found| {
        let owned = found.uid() == user && found.mode() & 0o100 != 0;
        owned || found.mode() & 0o001 != 0
    })
}

fn id(args: &[&str]) -> Result<u32, Error> {
    let failed =
        |why: String| Error::new(Reason::Failed, "cannot get a user id from `id`", why, "");
    let output = Command::new("id")
        .args(args)
        .output()
        .map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .map_err(|_| failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
