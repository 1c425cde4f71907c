//! Finds a PostgreSQL, or starts a private one, for development and tests.
//!
//! It searches in this order and reports its choice ([`DevPostgres::source`]):
//!
//! 1. `DATABASE_URL`, when it is set;
//! 2. the server's binaries on this machine, run as a private instance on a free port of the loopback interface,
//!    with a random password, as an unprivileged user when called by root;
//! 3. a container, by a Docker engine that answers (`ROSTER_TEST_POSTGRES_IMAGE`, else the official image), when built
//!    with the feature `containers`;
//! 4. prebuilt binaries in the user's cache ([`embedded`]), run like those of 2; the caller downloads them
//!    ([`Reason::NotDownloaded`]).
//!
//! `ROSTER_DEV_POSTGRES` or [`Options::choose`] selects one of them. Otherwise an [`Error`] says how to get a server on
//! this system.
//!
//! What it started stops with its owner: by [`DevPostgres::stop`], on drop, and if the owner is killed, because a
//! watchdog holds the other end of a pipe.
//!
//! One line gives a test its own database, created from a template that is migrated once per process:
//!
//! ```no_run
//! # async fn migrate(url: String) -> Result<(), std::io::Error> { Ok(()) }
//! # async fn example() -> Result<(), dev_postgres::Error> {
//! let database = dev_postgres::test_database(migrate).await?; // dropped with the value
//! println!("{}", database.url());
//! # Ok(()) }
//! ```
//!
//! It knows nothing about the service; the caller passes in the migrations.

mod account;
mod advice;
mod binaries;
mod choice;
mod connection;
#[cfg_attr(not(feature = "containers"), path = "no_container.rs")]
mod container;
mod database;
mod docker;
pub mod embedded;
mod error;
mod instance;
mod options;
mod relay;
mod testing;
mod watchdog;

use std::fmt;

pub use advice::ways_out;
pub use choice::Choice;
pub use database::Database;
pub use error::{Error, Reason};
pub use options::{Options, Prefer};
pub use relay::Relay;
pub use testing::test_database;
pub use watchdog::Watchdog;

use binaries::Binaries;
use container::Container;
use instance::Instance;

/// The variable with the URL of a server to use as it is.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// The variable that selects the server: a [`Choice`].
pub const DEV_POSTGRES: &str = "ROSTER_DEV_POSTGRES";
/// The variable with the container image; if set, a container is preferred.
pub const TEST_POSTGRES_IMAGE: &str = "ROSTER_TEST_POSTGRES_IMAGE";

/// Where a server came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The server in `DATABASE_URL`, or a chosen one; we never stop it.
    Given,
    /// A private instance of binaries on this machine.
    Private {
        /// The server's version, such as `17.2`.
        version: String,
        /// The directory of its binaries.
        binaries: std::path::PathBuf,
    },
    /// A container.
    Container {
        /// The image it runs.
        image: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the PostgreSQL of the given URL"),
            Self::Private { version, binaries } => {
                write!(f, "a private PostgreSQL {version} ({})", binaries.display())
            }
            Self::Container { image } => write!(f, "a container of {image}"),
        }
    }
}

/// A server that accepts connections; what was started for it stops with this value.
#[derive(Debug)]
pub struct DevPostgres {
    url: String,
    source: Source,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Elsewhere,
    Instance(Instance),
    Container(Box<Container>),
}

impl DevPostgres {
    /// Finds a server or starts one; it accepts connections when this returns.
    pub async fn find_or_start(options: Options) -> Result<Self, Error> {
        if let Some(url) = &options.database_url {
            connection::connect(url)
                .await
                .map_err(|error| error::given_unreachable(&error))?;
            database::drop_stale(url).await?;
            return Ok(Self {
                url: url.clone(),
                source: Source::Given,
                running: Running::Elsewhere,
            });
        }
        match options.prefer {
            Prefer::Container { required: true } => Self::container(&options).await,
            Prefer::Container { required: false } => match Self::container(&options).await {
                Err(why) if why.reason != Reason::BuiltWithoutContainers => {
                    options.say(&format!(
                        "no container ({why}); using server binaries instead"
                    ));
                    Self::binaries(&options, &why.to_string()).await
                }
                result => result,
            },
            Prefer::System => Self::system(&options)
                .await
                .map_err(advice::if_there_are_no_binaries),
            Prefer::Embedded(major) => Self::embedded(&options, major, "").await,
            Prefer::Binaries => Self::binaries(&options, "").await,
            Prefer::Any if docker::is_running() => match Self::system(&options).await {
                Err(binaries) if binaries.reason == Reason::NoBinaries => {
                    match Self::container(&options).await {
                        Err(why) if why.reason != Reason::BuiltWithoutContainers => {
                            let tried = format!("{binaries}; {why}");
                            Self::embedded(&options, embedded::newest(), &tried).await
                        }
                        result => result,
                    }
                }
                result => result,
            },
            Prefer::Any => Self::binaries(&options, "no Docker engine listens here").await,
        }
    }

    /// The URL of its first database. It contains the password: do not print it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it came from; printable.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Creates an empty database, dropped with the value; `label` is part of its name.
    pub async fn create_database(&self, label: &str) -> Result<Database, Error> {
        Database::create(&self.url, label, None).await
    }

    /// Creates a copy of `template`, dropped with the value. Nothing may be connected to the template meanwhile.
    pub async fn copy_database(&self, label: &str, template: &Database) -> Result<Database, Error> {
        Database::create(&self.url, label, Some(template.name())).await
    }

    /// Stops what was started and waits until it is gone.
    pub async fn stop(self) -> Result<(), Error> {
        match self.running {
            Running::Elsewhere => Ok(()),
            Running::Instance(instance) => tokio::task::spawn_blocking(move || drop(instance))
                .await
                .map_err(|error| {
                    Error::new(
                        Reason::Failed,
                        "cannot stop PostgreSQL",
                        error.to_string(),
                        "",
                    )
                }),
            Running::Container(container) => container.stop().await,
        }
    }

    /// The server programs of this machine: those that are installed, else the newest embedded ones.
    pub fn programs() -> Result<Source, Error> {
        let installed = binaries::find();
        let found = installed.or_else(|missing| {
            let unpacked = embedded::Pinned::of(embedded::newest())?.binaries()?;
            unpacked.ok_or_else(|| advice::with_advice(missing))
        })?;
        Ok(source_of(&found))
    }

    /// The server that these options would start or download, without starting it; the error says how to get one.
    pub fn planned(options: &Options) -> Result<String, Error> {
        if options.database_url.is_some() {
            return Ok(Source::Given.to_string());
        }
        let system = || binaries::find().map(|found| source_of(&found).to_string());
        let embedded = |major| -> Result<String, Error> {
            let archive = embedded::Pinned::of(major)?;
            Ok(match archive.binaries()? {
                Some(found) => source_of(&found).to_string(),
                None => format!(
                    "PostgreSQL {}, which is downloaded when needed and kept in {}",
                    archive.version,
                    embedded::cache_folder()?.display()
                ),
            })
        };
        match options.prefer {
            Prefer::Container { .. } => Ok(format!("a container of {}", options.image)),
            Prefer::System => system().map_err(advice::if_there_are_no_binaries),
            Prefer::Embedded(major) => embedded(major),
            Prefer::Any | Prefer::Binaries => system().or_else(|_| {
                if options.prefer == Prefer::Any && docker::is_running() {
                    return Ok(format!("a container of {}", options.image));
                }
                embedded(embedded::newest())
            }),
        }
    }

    /// Binaries on this machine, else embedded ones; `tried` says what was tried before.
    async fn binaries(options: &Options, tried: &str) -> Result<Self, Error> {
        match Self::system(options).await {
            Err(error) if error.reason == Reason::NoBinaries => {
                let tried = match tried {
                    "" => error.to_string(),
                    tried => format!("{error}; {tried}"),
                };
                Self::embedded(options, embedded::newest(), &tried).await
            }
            result => result,
        }
    }

    async fn system(options: &Options) -> Result<Self, Error> {
        Self::private(binaries::find()?, options).await
    }

    async fn embedded(options: &Options, major: u32, tried: &str) -> Result<Self, Error> {
        let archive = embedded::Pinned::of(major).map_err(|error| match error.reason {
            Reason::NotDownloaded => advice::with_advice(error),
            _ => error,
        })?;
        match archive.binaries()? {
            Some(binaries) => Self::private(binaries, options).await,
            None => Err(Error::new(
                Reason::NotDownloaded,
                format!("PostgreSQL {} is not downloaded yet", archive.version),
                tried,
                format!("`cargo xtask test` downloads it; or {}", ways_out()),
            )),
        }
    }

    async fn private(binaries: Binaries, options: &Options) -> Result<Self, Error> {
        let instance = Instance::start(&binaries, options).await?;
        Ok(Self {
            url: instance.url(),
            source: source_of(&binaries),
            running: Running::Instance(instance),
        })
    }

    async fn container(options: &Options) -> Result<Self, Error> {
        let container = Container::start(&options.image, &options.settings).await?;
        let source = Source::Container {
            image: options.image.clone(),
        };
        Ok(Self {
            url: container.url(),
            source,
            running: Running::Container(Box::new(container)),
        })
    }
}

fn source_of(binaries: &Binaries) -> Source {
    Source::Private {
        version: binaries.version.clone(),
        binaries: binaries.folder.clone(),
    }
}
