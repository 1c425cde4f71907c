//! Why telemetry cannot be started.

use std::io;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The process has no usable standard output.
    #[error("cannot use standard output for logs: {0}; use `--log-format off` to disable it")]
    StandardOutput(#[source] io::Error),
    /// The operating system could not start a thread.
    #[error("cannot start a thread that writes logs: {0}; raise the limit of tasks")]
    Thread(#[source] io::Error),
    /// Spans are configured, but this build cannot send them.
    #[error(
        "this build cannot send spans: remove `--otlp-endpoint`, or build with `--features otlp`"
    )]
    NoOtlp,
    /// The collector's address is invalid.
    #[error("cannot send spans to `{endpoint}`: {why}; use the form `http://host:4318`")]
    OtlpEndpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
    /// `tracing` is already set up in this process.
    #[error("logging is already set up; it can be set up only once per process")]
    AlreadyStarted(#[from] tracing::subscriber::SetGlobalDefaultError),
}
