//! The folder of an instance: created, locked, initialised, and removed when its owner is gone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{NAME, start_watchdog};
use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{Error, Reason};
use crate::options::Options;
use crate::watchdog::Watchdog;

/// Prefix of temporary instances; all others are named and kept.
const TEMPORARY: &str = "temporary-";

/// A folder that is ready for a server to run in.
#[derive(Debug)]
pub(super) struct InstanceFolder {
    /// The parent folder of instances.
    pub(super) base: PathBuf,
    pub(super) path: PathBuf,
    pub(super) password: String,
    pub(super) watchdog: Watchdog,
    /// Held as long as the instance lives.
    pub(super) lock: File,
}

impl InstanceFolder {
    /// Creates or reopens the folder in the options.
    pub(super) fn open(
        binaries: &Binaries,
        options: &Options,
        account: Account,
    ) -> Result<Self, Error> {
        let (base, guard) = locked_base(account, &options.folder)?;
        sweep(&base, binaries, account);
        let path = base.join(options.name.clone().unwrap_or_else(temporary_name));
        let lock = make_and_lock(&path, account)?;
        drop(guard);
        stop_leftover(&path, binaries, account);
        let watchdog = start_watchdog(account, &path, binaries, options.name.is_some())?;
        if options.fresh {
            remove(&path.join("data"))?;
            remove(&path.join("password"))?;
        }
        let password = match initialised_version(&path) {
            None => initialise(&path, binaries, account)?,
            Some(version) if version == binaries.major() => read(&path.join("password"))?,
            Some(version) => {
                let why = format!(
                    "the data is from PostgreSQL {version}, the binaries are {}",
                    binaries.version
                );
                let what = format!("cannot use the data in {}", path.display());
                return Err(Error::new(
                    Reason::InUse,
                    what,
                    why,
                    "discard the data with --fresh, or choose the version that it is from with --postgres",
                ));
            }
        };
        Ok(Self {
            base,
            path,
            password,
            watchdog,
            lock,
        })
    }
}

fn temporary_name() -> String {
    format!(
        "{TEMPORARY}{}-{}",
        std::process::id(),
        &random_hex().unwrap_or_default()[..8]
    )
}

/// The parent folder, locked, so that no other process removes an instance between its creation and its lock.
fn locked_base(account: Account, wanted: &Path) -> Result<(PathBuf, File), Error> {
    loop {
        let base = account.reachable_folder(wanted)?;
        let file = File::open(&base).map_err(|error| Error::file("open", &base, &error))?;
        file.lock()
            .map_err(|error| Error::file("lock", &base, &error))?;
        // The last instance removes the folder, so it may be gone by the time we have the lock.
        let same =
            |found: fs::Metadata| file.metadata().is_ok_and(|ours| ours.ino() == found.ino());
        if fs::metadata(&base).is_ok_and(same) {
            return Ok((base, file));
        }
    }
}

fn make_and_lock(path: &Path, account: Account) -> Result<File, Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account.own(path)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::file("create", path, &error)),
    }
    let file = File::open(path).map_err(|error| Error::file("open", path, &error))?;
    file.try_lock().map_err(|error| {
        let what = format!("the data in {} are in use", path.display());
        let next = "stop the other `cargo xtask dev` of this clone first";
        Error::new(
            Reason::InUse,
            what,
            format!("another process runs a server on them ({error})"),
            next,
        )
    })?;
    Ok(file)
}

/// Removes temporary instances that have lost their owner and watchdog.
fn sweep(base: &Path, binaries: &Binaries, account: Account) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        if is_temporary && File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok()) {
            stop_leftover(&path, binaries, account);
            // The watchdog may be doing the same; the second finds nothing to do.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Stops a server that runs on this folder without an owner.
fn stop_leftover(path: &Path, binaries: &Binaries, account: Account) {
    if path.join("data/postmaster.pid").exists() {
        let mut stop = account.command(binaries.folder.join("pg_ctl"), path);
        stop.args([
            "stop",
            "--silent",
            "--mode",
            "fast",
            "--timeout",
            "30",
            "--pgdata",
        ])
        .arg(path.join("data"));
        // It fails if the server is already gone, which is fine.
        let _ = stop.output();
    }
}

fn initialised_version(path: &Path) -> Option<String> {
    fs::read_to_string(path.join("data/PG_VERSION"))
        .ok()
        .map(|version| version.trim().to_owned())
}

/// Runs `initdb`; returns the new superuser's password.
fn initialise(path: &Path, binaries: &Binaries, account: Account) -> Result<String, Error> {
    let password = random_hex()?;
    let password_path = path.join("password");
    remove(&password_path)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&password_path)
        .and_then(|mut file| file.write_all(password.as_bytes()))
        .map_err(|error| Error::file("write", &password_path, &error))?;
    account.own(&password_path)?;

    let unfinished = path.join("data.new");
    // Unicode character classes and the same collation on every machine; macOS has no C.UTF-8.
    let locales = ["--locale=C.UTF-8", "--locale=en_US.UTF-8", "--no-locale"];
    let mut words = String::new();
    for locale in locales {
        remove(&unfinished)?;
        let mut initdb = account.command(binaries.folder.join("initdb"), path);
        initdb.args([
            "--username",
            NAME,
            "--encoding",
            "UTF8",
            "--no-sync",
            locale,
        ]);
        initdb.args(["--auth-host", "scram-sha-256", "--auth-local", "reject"]);
        initdb
            .arg("--pwfile")
            .arg(&password_path)
            .arg("--pgdata")
            .arg(&unfinished);
        let output = initdb
            .output()
            .map_err(|error| Error::file("start", &binaries.folder.join("initdb"), &error))?;
        if output.status.success() {
            let data = path.join("data");
            fs::rename(&unfinished, &data).map_err(|error| Error::file("name", &data, &error))?;
            return Ok(password);
        }
        String::from_utf8_lossy(&output.stderr)
            .trim()
            .clone_into(&mut words);
    }
    let next = "fix the problem that initdb reports; `cargo xtask doctor` checks for common causes";
    Err(Error::new(Reason::Failed, "initdb failed", words, next))
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", path, &error))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error::file("read", path, &error))
}

/// 128 random bits from the operating system.
pub(crate) fn random_hex() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| Error::file("read", source, &error))?;
    Ok(u128::from_ne_bytes(bytes)).map(|number| format!("{number:032x}"))
}
