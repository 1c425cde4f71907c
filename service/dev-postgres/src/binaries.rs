//! Finds the server's binaries on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Reason};

/// The oldest major version that the service supports.
const OLDEST: u32 = 15;

/// A directory with `initdb` and `postgres` of a supported version.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) version: String,
}

impl Binaries {
    /// The major version, as in `PG_VERSION` of a data directory.
    pub(crate) fn major(&self) -> &str {
        self.version
            .split(['.', 'b', 'r'])
            .next()
            .unwrap_or(&self.version)
    }
}

/// The first suitable directory; the error lists the places searched.
pub(crate) fn find() -> Result<Binaries, Error> {
    let mut seen = Vec::new();
    for folder in candidates() {
        if !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
            continue;
        }
        match version_of(&folder) {
            Some(version) => {
                let binaries = Binaries { folder, version };
                if binaries
                    .major()
                    .parse()
                    .is_ok_and(|major: u32| major >= OLDEST)
                {
                    return Ok(binaries);
                }
                seen.push(format!(
                    "{} has {}, older than {OLDEST}",
                    binaries.folder.display(),
                    binaries.version
                ));
            }
            None => seen.push(format!(
                "{}/postgres does not print its version",
                folder.display()
            )),
        }
    }
    let looked = "looked at pg_config --bindir, the PATH, /usr/lib/postgresql, /usr/pgsql-*, Homebrew and Postgres.app";
    let why = if seen.is_empty() {
        looked.to_owned()
    } else {
        format!("{looked}; {}", seen.join("; "))
    };
    Err(Error::new(
        Reason::NoBinaries,
        "no PostgreSQL server binaries on this machine",
        why,
        "",
    ))
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(
            String::from_utf8_lossy(&output.stdout).trim(),
        ));
    }
    if let Some(path) = std::env::var_os("PATH") {
        // A symbolic link on the PATH points into the directory with the rest of the server.
        let linked = |folder: PathBuf| {
            let target = folder.join("postgres").canonicalize().ok()?;
            target.parent().map(Path::to_path_buf)
        };
        folders.extend(std::env::split_paths(&path).filter_map(linked));
    }
    folders.extend(versions_in("/usr/lib/postgresql", "bin"));
    folders.extend(versions_in("/usr", "bin").into_iter().filter(|folder| {
        folder
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|name| name.to_string_lossy().starts_with("pgsql-"))
    }));
    folders.extend(
        versions_in("/opt/homebrew/opt", "bin")
            .into_iter()
            .filter(|folder| is_formula(folder)),
    );
    folders.extend(
        versions_in("/usr/local/opt", "bin")
            .into_iter()
            .filter(|folder| is_formula(folder)),
    );
    folders.extend(versions_in(
        "/Applications/Postgres.app/Contents/Versions",
        "bin",
    ));
    folders
}

fn is_formula(folder: &Path) -> bool {
    let name = folder.parent().and_then(Path::file_name);
    name.is_some_and(|name| name.to_string_lossy().starts_with("postgresql"))
}

/// `<folder>/<version>/<tail>` for all versions, newest first.
fn versions_in(folder: &str, tail: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    found.sort_by_key(|path| std::cmp::Reverse(version_number(path)));
    found.into_iter().map(|path| path.join(tail)).collect()
}

/// The digits in the last part of a path: 17 for `postgresql@17`.
fn version_number(path: &Path) -> u32 {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    name.chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap_or(0)
}

/// `15.4` of `postgres (PostgreSQL) 15.4 (Debian …)`.
fn version_of(folder: &Path) -> Option<String> {
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .nth(2)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Binaries, version_number};
    use std::path::Path;

    #[test]
    fn the_newest_version_comes_first() {
        assert!(
            version_number(Path::new("/usr/lib/postgresql/17"))
                > version_number(Path::new("/usr/lib/postgresql/9"))
        );
        assert_eq!(
            version_number(Path::new("/opt/homebrew/opt/postgresql@16")),
            16
        );
    }

    #[test]
    fn the_major_version_is_what_a_data_folder_holds() {
        let major = |version: &str| {
            Binaries {
                folder: "/".into(),
                version: version.into(),
            }
            .major()
            .to_owned()
        };
        assert_eq!(major("15.18"), "15");
        assert_eq!(major("18beta1"), "18");
    }
}
