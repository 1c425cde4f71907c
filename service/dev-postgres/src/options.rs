//! Options of a caller. No other module of this crate reads its variables.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::choice::Choice;
use crate::error::Error;
use crate::{DATABASE_URL, DEV_POSTGRES, TEST_POSTGRES_IMAGE};

const DEFAULT_IMAGE: &str = "postgres:18";

/// Which kind of server to start if none is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// Binaries on this machine, else a container, else embedded binaries.
    Any,
    /// Binaries on this machine, else embedded ones: processes of this machine in any case.
    Binaries,
    /// Only binaries on this machine.
    System,
    /// Prebuilt binaries of this major version.
    Embedded(u32),
    /// A container; unless `required`, binaries on this machine otherwise.
    Container {
        /// Whether an unavailable container is an error.
        required: bool,
    },
}

#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// A server to use as it is.
    pub database_url: Option<String>,
    /// Which kind of server to start otherwise.
    pub prefer: Prefer,
    /// The image of a container.
    pub image: String,
    /// Parent folder of private instances.
    pub folder: PathBuf,
    /// A named instance keeps its data; an unnamed one removes it at the end.
    pub name: Option<String>,
    /// Discard the data of earlier runs of a named instance.
    pub fresh: bool,
    /// Settings of the server (`-c name=value`), after the defaults.
    pub settings: Vec<(String, String)>,
    /// Report on stderr if the first choice was not available.
    pub announce: bool,
}

impl Options {
    /// A server for tests: temporary, fast instead of durable, of the kind that the environment selects.
    pub fn for_tests() -> Result<Self, Error> {
        let image = variable(TEST_POSTGRES_IMAGE);
        let prefer = if image.is_some() {
            Prefer::Container { required: false }
        } else {
            Prefer::Any
        };
        // Tests discard their data, so durability is not worth the time.
        let fast = [
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("wal_level", "minimal"),
            ("max_wal_senders", "0"),
            ("max_connections", "500"),
        ];
        let options = Self {
            database_url: None,
            prefer,
            image: image.unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            folder: target_folder().join("postgres"),
            name: None,
            fresh: false,
            settings: fast
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            announce: true,
        };
        options.selected_by_environment()
    }

    /// A server for development: its data is kept durably below `folder` under `name`, until `fresh`.
    pub fn for_development(
        folder: impl Into<PathBuf>,
        name: impl Into<String>,
    ) -> Result<Self, Error> {
        let options = Self {
            database_url: None,
            prefer: Prefer::Any,
            image: variable(TEST_POSTGRES_IMAGE).unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            folder: folder.into(),
            name: Some(name.into()),
            fresh: false,
            settings: vec![("max_wal_size".to_owned(), "4GB".to_owned())],
            announce: true,
        };
        options.selected_by_environment()
    }

    /// Uses what a person chose, whatever the environment selects.
    #[must_use]
    pub fn choose(mut self, choice: &Choice) -> Self {
        self.database_url = None;
        match choice {
            Choice::System => self.prefer = Prefer::System,
            Choice::Embedded(major) => self.prefer = Prefer::Embedded(*major),
            Choice::Container => self.prefer = Prefer::Container { required: true },
            Choice::Url(url) => self.database_url = Some(url.clone()),
        }
        self
    }

    /// `DATABASE_URL`, which `cargo xtask test` sets for the tests, comes before `ROSTER_DEV_POSTGRES`.
    fn selected_by_environment(self) -> Result<Self, Error> {
        if let Some(url) = variable(DATABASE_URL) {
            return Ok(self.choose(&Choice::Url(url)));
        }
        let Some(text) = variable(DEV_POSTGRES) else {
            return Ok(self);
        };
        let choice = text.parse().map_err(|error: Error| Error {
            what: format!("{DEV_POSTGRES} is {}", error.what),
            ..error
        })?;
        Ok(self.choose(&choice))
    }

    /// Adds a setting of the server.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn say(&self, line: &str) {
        if self.announce {
            // Not `eprintln!`: the test harness would capture it.
            let _ = writeln!(std::io::stderr(), "postgres: {line}");
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Cargo's target directory: it has a CACHEDIR.TAG and is an ancestor of every test executable.
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
