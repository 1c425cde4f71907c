//! What a caller asks for. The environment is read here and nowhere else in this crate.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Reason};
use crate::{DATABASE_URL, TEST_POSTGRES, TEST_POSTGRES_IMAGE};

const DEFAULT_IMAGE: &str = "postgres:17";

/// Which kind of server is wanted when none is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// Binaries on this machine, else a container.
    Any,
    /// Binaries on this machine alone.
    Private,
    /// A container; when it is not `required`, binaries on this machine else.
    Container {
        /// Whether it is a fault when there can be no container.
        required: bool,
    },
}

/// What a caller asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// A server to be used as it is.
    pub database_url: Option<String>,
    /// Which kind of server to start else.
    pub prefer: Prefer,
    /// The image of a container.
    pub image: String,
    /// Where private instances live.
    pub folder: PathBuf,
    /// A name makes the instance's data outlive it; without one they are removed at the end.
    pub name: Option<String>,
    /// Throw away what a named instance kept from earlier runs.
    pub fresh: bool,
    /// Settings of the server (`-c name=value`), after the defaults.
    pub settings: Vec<(String, String)>,
    /// Say on stderr what was chosen when the choice is not the first.
    pub announce: bool,
}

impl Options {
    /// A server for tests: temporary, fast rather than durable, of the kind that the environment asks for.
    pub fn for_tests() -> Result<Self, Error> {
        let image = variable(TEST_POSTGRES_IMAGE);
        let prefer = match (variable(TEST_POSTGRES).as_deref(), &image) {
            (None | Some("auto"), None) => Prefer::Any,
            (None | Some("auto"), Some(_)) => Prefer::Container { required: false },
            (Some("private"), _) => Prefer::Private,
            (Some("container"), _) => Prefer::Container { required: true },
            (Some(other), _) => {
                let what = format!("{TEST_POSTGRES}={other} is not known");
                return Err(Error::new(
                    Reason::Settings,
                    what,
                    "",
                    "use auto, private or container",
                ));
            }
        };
        // Tests throw their data away: nothing is worth waiting for the disk.
        let fast = [
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("wal_level", "minimal"),
            ("max_wal_senders", "0"),
            ("max_connections", "500"),
        ];
        Ok(Self {
            database_url: variable(DATABASE_URL),
            prefer,
            image: image.unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            folder: target_folder().join("postgres"),
            name: None,
            fresh: false,
            settings: fast
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            announce: true,
        })
    }

    /// A server for development: its data are kept below `folder` under `name`, durably, until `fresh`.
    pub fn for_development(folder: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self {
            database_url: variable(DATABASE_URL),
            prefer: Prefer::Any,
            image: variable(TEST_POSTGRES_IMAGE).unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            folder: folder.into(),
            name: Some(name.into()),
            fresh: false,
            settings: vec![("max_wal_size".to_owned(), "4GB".to_owned())],
            announce: true,
        }
    }

    /// Adds a setting of the server.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn say(&self, line: &str) {
        if self.announce {
            // Not `eprintln!`: the test harness would swallow it.
            let _ = writeln!(std::io::stderr(), "postgres: {line}");
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Cargo's target folder: it is marked by a tag and lies above every test's executable.
fn target_folder() -> PathBuf {
    let tagged = |executable: PathBuf| {
        executable
            .ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").is_file())
            .map(Path::to_path_buf)
    };
    env::current_exe()
        .ok()
        .and_then(tagged)
        .unwrap_or_else(env::temp_dir)
}
