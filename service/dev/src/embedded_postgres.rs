//! Downloads PostgreSQL's prebuilt binaries, once for all checkouts of a user.
//!
//! A folder with its final name is complete: an archive is verified and unpacked beside it, and renamed. A lock makes a
//! second run wait for the first. Which archives there are is in `dev_postgres::embedded`.

mod archive;
mod download;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dev_postgres::embedded::{MAVEN_CENTRAL, MIRROR, Pinned, cache_folder};
use xtask::failure::{Failure, Kind};

/// What to get, and from where.
struct Wanted {
    /// `PostgreSQL 18.4`
    title: String,
    url: String,
    sha256: String,
    /// The folder of all versions.
    cache: PathBuf,
    /// The name of its own folder.
    name: String,
}

/// Makes the binaries of this major version present. `tried` says what was tried before, for the error.
pub(crate) fn provide(major: u32, tried: &str) -> Result<()> {
    let archive = Pinned::of(major).map_err(crate::postgres_failure::failure)?;
    let mirror = std::env::var(MIRROR).ok().filter(|url| !url.is_empty());
    let wanted = Wanted {
        title: format!("PostgreSQL {}", archive.version),
        url: archive.url(mirror.as_deref().unwrap_or(MAVEN_CENTRAL)),
        sha256: archive.sha256.to_owned(),
        cache: cache_folder().map_err(crate::postgres_failure::failure)?,
        name: archive.name(),
    };
    wanted.provide(tried)
}

impl Wanted {
    fn provide(&self, tried: &str) -> Result<()> {
        let present = self.cache.join(&self.name);
        create_public(&self.cache).map_err(|error| self.unwritable(&error))?;
        let _lock = self.lock().map_err(|error| self.unwritable(&error))?;
        // Another run may have made it while we waited for the lock.
        if present.is_dir() {
            return Ok(());
        }
        printing::eprintln!(
            "postgres: downloading {} from {}; kept in {}",
            self.title,
            self.url,
            present.display()
        );
        let jar = self.beside("jar");
        let unpacked = self.beside("unpacking");
        let outcome = self.fetch(&jar, &unpacked, tried);
        // Also what an interrupted run left.
        let _ = fs::remove_file(&jar);
        let renamed = outcome.and_then(|()| {
            fs::rename(&unpacked, &present).map_err(|error| self.unwritable(&error).into())
        });
        if renamed.is_err() {
            let _ = fs::remove_dir_all(&unpacked);
        }
        renamed
    }

    fn fetch(&self, jar: &Path, unpacked: &Path, tried: &str) -> Result<()> {
        if unpacked.exists() {
            fs::remove_dir_all(unpacked).map_err(|error| self.unwritable(&error))?;
        }
        let mut file = File::create(jar).map_err(|error| self.unwritable(&error))?;
        let sum = download::to_file(&self.url, &mut file).map_err(|error| match error {
            download::Error::Network(why) => self.unreachable(&why, tried),
            download::Error::File(error) => self.unwritable(&error),
        })?;
        if sum != self.sha256 {
            let why = format!(
                "{} has the SHA-256 {sum} instead of {}",
                self.url, self.sha256
            );
            let next = format!(
                "use another mirror ({MIRROR}); or {}",
                dev_postgres::ways_out()
            );
            let what = format!("{} was not unpacked: it is not the pinned file", self.title);
            return Err(Failure::new(Kind::Refused, what, why, next).into());
        }
        archive::unpack(jar, unpacked).map_err(|error| match error {
            archive::Error::File(error) => self.unwritable(&error).into(),
            archive::Error::Malformed(error) => {
                error.context("the archive of PostgreSQL is malformed")
            }
        })?;
        self.demand_that_it_runs(unpacked)
    }

    /// The binaries need a C library and a loader that this machine may lack.
    fn demand_that_it_runs(&self, unpacked: &Path) -> Result<()> {
        let mut command = std::process::Command::new(unpacked.join("bin/postgres"));
        let why = match command.arg("--version").output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let what = format!("the prebuilt {} does not run on this machine", self.title);
        Err(Failure::new(Kind::Missing, what, why, dev_postgres::ways_out()).into())
    }

    /// The lock ends with the file, so also if this process is killed.
    fn lock(&self) -> std::io::Result<File> {
        let file = File::create(self.beside("lock"))?;
        if file.try_lock().is_err() {
            printing::eprintln!("postgres: another run is downloading {}", self.title);
            file.lock()?;
        }
        Ok(file)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.cache.join(format!("{}.{ending}", self.name))
    }

    fn unreachable(&self, why: &str, tried: &str) -> Failure {
        let before = if tried.is_empty() {
            String::new()
        } else {
            format!("; before that: {tried}")
        };
        let next = format!(
            "{}; or name a mirror of Maven Central that this machine reaches: {MIRROR}",
            dev_postgres::ways_out()
        );
        let what = format!("cannot download {}", self.title);
        Failure::new(
            Kind::Missing,
            what,
            format!("{}: {why}{before}", self.url),
            next,
        )
    }

    fn unwritable(&self, error: &std::io::Error) -> Failure {
        Failure::new(
            Kind::Missing,
            format!("cannot keep {} in {}", self.title, self.cache.display()),
            with_causes(error),
            "set XDG_CACHE_HOME to a folder that you can write to, with 100 MB free",
        )
    }
}

/// An error of unpacking names the file; its causes say what was wrong.
fn with_causes(error: &std::io::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Creates a folder that every account can read: root's server runs as another one.
fn create_public(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_public(parent)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(0o755)),
    }
}

/// [`provide`], on a thread that does not outlive the program: Ctrl-C need not wait for a download.
pub(crate) async fn provide_beside(major: u32, tried: String) -> Result<()> {
    let (sender, done) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = sender.send(provide(major, &tried));
    });
    done.await.context("the download ended without a result")?
}

#[cfg(test)]
mod tests;
