//! Why settings cannot be used.

/// Why the settings cannot be used: one line that names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting is missing.
    #[error("{setting} is not set: {next}")]
    Missing {
        /// Its flag and environment variable.
        setting: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// A file that a setting names cannot be read.
    #[error("{setting} names {path}, which cannot be read: {source}")]
    File {
        /// Its variable.
        setting: &'static str,
        /// The file.
        path: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A setting has an invalid value.
    #[error("{setting} {why}")]
    Invalid {
        /// Its flag and environment variable.
        setting: &'static str,
        /// What is wrong, without the value if it is secret.
        why: String,
    },
}
