//! Finds a PostgreSQL, or starts a private one, for development and tests.
//!
//! It searches in this order and reports its choice ([`DevPostgres::source`]):
//!
//! 1. `DATABASE_URL`, when it is set;
//! 2. the server's binaries on this machine, run as a private instance on a free port of the loopback interface,
//!    with a random password, as an unprivileged user when called by root;
//! 3. a container, by a Docker engine that answers (`ROSTER_TEST_POSTGRES_IMAGE`, else the official image), when built
//!    with the feature `containers`;
//! 4. otherwise an [`Error`] that says how to get one on this system.
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
mod connection;
#[cfg_attr(not(feature = "containers"), path = "no_container.rs")]
mod container;
mod database;
mod error;
mod instance;
mod options;
mod relay;
mod testing;
mod watchdog;

use std::fmt;

pub use database::Database;
pub use error::{Error, Reason};
pub use options::{Options, Prefer};
pub use relay::Relay;
pub use testing::test_database;
pub use watchdog::Watchdog;

use container::Container;
use instance::Instance;

/// The variable with the URL of a server to use as it is.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// The variable that selects the tests' server: `auto`, `private` or `container`.
pub const TEST_POSTGRES: &str = "ROSTER_TEST_POSTGRES";
/// The variable with the container image; if set, a container is preferred.
pub const TEST_POSTGRES_IMAGE: &str = "ROSTER_TEST_POSTGRES_IMAGE";

/// Where a server came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The server in `DATABASE_URL`; we never stop it.
    Given,
    /// A private instance of binaries found on this machine.
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
            Self::Given => write!(f, "the PostgreSQL in {DATABASE_URL}"),
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
                Ok(started) => Ok(started),
                Err(why) if why.reason == Reason::BuiltWithoutContainers => Err(why),
                Err(why) => {
                    options.say(&format!(
                        "no container ({why}); searching for server binaries instead"
                    ));
                    Self::private(&options).await
                }
            },
            Prefer::Private => Self::private(&options).await,
            Prefer::Any => match Self::private(&options).await {
                Err(error) if error.reason == Reason::NoBinaries => {
                    Self::container(&options).await.map_err(|why| {
                        if why.reason == Reason::BuiltWithoutContainers {
                            why
                        } else {
                            advice::no_postgres(&error, &why)
                        }
                    })
                }
                result => result,
            },
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

    /// The server binaries that a private instance would run; the error says how to get some.
    pub fn installed() -> Result<Source, Error> {
        let found = binaries::find().map_err(advice::with_advice)?;
        Ok(Source::Private {
            version: found.version,
            binaries: found.folder,
        })
    }

    async fn private(options: &Options) -> Result<Self, Error> {
        let binaries = binaries::find()?;
        let source = Source::Private {
            version: binaries.version.clone(),
            binaries: binaries.folder.clone(),
        };
        let instance = Instance::start(&binaries, options).await?;
        Ok(Self {
            url: instance.url(),
            source,
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
