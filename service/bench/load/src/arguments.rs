//! The command line, on one page.

use clap::{Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Loads a service with one kind of request, checks every response, and prints one line of JSON.
///
/// Exit codes: 0 every response was correct; 1 at least one was wrong or missing; 2 the load could not start.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Address of the service
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// Kind of request
    #[arg(long, value_enum)]
    pub(crate) operation: OperationKind,
    /// Users that the table was seeded with; ids are drawn from these
    #[arg(long, default_value_t = 100_000)]
    pub(crate) users: u64,
    /// Keep-alive connections
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// How long to measure, in seconds
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// Warm-up before the measurement, in seconds
    #[arg(long, default_value_t = 0.5)]
    pub(crate) warm_up: f64,
    /// Stop after this many requests instead of after a time, without a warm-up
    #[arg(long, conflicts_with = "rate")]
    pub(crate) requests: Option<u64>,
    /// Open loop: requests per second, independent of the responses; without it, each connection sends its next request
    /// at once
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Open loop: distribution of the requests over time
    #[arg(long, value_enum, default_value_t = Spread::Poisson)]
    pub(crate) spread: Spread,
    /// Count 503 as a rejected request, neither correct nor wrong
    #[arg(long)]
    pub(crate) shedding: bool,
    /// File with a bearer token (a process list would show an argument)
    #[arg(long)]
    pub(crate) token_file: Option<PathBuf>,
    /// Account the CPU time of a process and its descendants, as NAME=PID; repeatable
    #[arg(long, value_parser = named_process)]
    pub(crate) watch: Vec<(String, u32)>,
    /// Also report the memory of the process watched under this name, after the measurement; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) memory_of: Vec<String>,
    /// Makes the e-mail addresses of this run unique
    #[arg(long, default_value = "0")]
    pub(crate) tag: String,
    /// Seed of the random choices, for reproducible runs
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// The kinds of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OperationKind {
    /// `GET /v1/users/{id}` of a random user
    Get,
    /// `POST /v1/users` of a new user
    Post,
    /// `PUT /v1/users/{id}` of a random user, with another name
    Put,
    /// `PUT /v1/users/{id}` of a random user, with another title and nothing else that differs
    Retitle,
    /// `GET /v1/users?limit=50`
    List,
    /// `GET /v1/users/{id}` of a server that returns a constant; only the status is checked
    Constant,
}

/// Distribution of an open loop's requests over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spread {
    /// Poisson, as from independent clients
    Poisson,
    /// Evenly
    Even,
}

fn named_process(raw: &str) -> Result<(String, u32), String> {
    let (name, pid) = raw.split_once('=').ok_or("expected NAME=PID")?;
    Ok((
        name.to_owned(),
        pid.parse()
            .map_err(|error| format!("{pid:?} is not a process id: {error}"))?,
    ))
}
