//! The command line, on one page.

use clap::{Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Loads a service with one kind of request, checks every answer, and prints one line of JSON.
///
/// Exit code 0: every answer was right; 1: at least one was wrong or missing; 2: the load could not be put on.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Address of the service
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// What to ask for
    #[arg(long, value_enum)]
    pub(crate) operation: OperationKind,
    /// How many users the table was seeded with; ids are drawn from these
    #[arg(long, default_value_t = 100_000)]
    pub(crate) users: u64,
    /// Connections, each kept alive
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// How long to measure, in seconds
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// How long to load before measuring, in seconds
    #[arg(long, default_value_t = 0.5)]
    pub(crate) warm_up: f64,
    /// End after this many requests instead of after a time, without warming up
    #[arg(long, conflicts_with = "rate")]
    pub(crate) requests: Option<u64>,
    /// Open loop: requests a second, whatever the answers do; without it each connection asks again at once
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Open loop: how the requests are spread over time
    #[arg(long, value_enum, default_value_t = Spread::Poisson)]
    pub(crate) spread: Spread,
    /// Take 503 as what it is, a request turned away: counted by itself, neither right nor wrong
    #[arg(long)]
    pub(crate) shedding: bool,
    /// File with a bearer token; a file, so that the token stands in no process list
    #[arg(long)]
    pub(crate) token_file: Option<PathBuf>,
    /// Account the CPU time of a process and all below it, as NAME=PID; may be given several times
    #[arg(long, value_parser = named_process)]
    pub(crate) watch: Vec<(String, u32)>,
    /// Tell the memory of the process that is watched under this name, too, once all is measured; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) memory_of: Vec<String>,
    /// Makes the e-mail addresses of this run differ from those of every other
    #[arg(long, default_value = "0")]
    pub(crate) tag: String,
    /// Seed of the random choices, for runs that shall be alike
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// The kinds of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OperationKind {
    /// `GET /v1/users/{id}` of a random user
    Get,
    /// `POST /v1/users` of a user that is not there yet
    Post,
    /// `PUT /v1/users/{id}` of a random user, with another name
    Put,
    /// `GET /v1/users?limit=50`
    List,
    /// `GET /v1/users/{id}` of a server that answers a constant: only the status is checked
    Constant,
}

/// How the requests of an open loop are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spread {
    /// As independent clients come
    Poisson,
    /// Evenly
    Even,
}

fn named_process(raw: &str) -> Result<(String, u32), String> {
    let (name, pid) = raw.split_once('=').ok_or("expected NAME=PID")?;
    Ok((
        name.to_owned(),
        pid.parse()
            .map_err(|error| format!("{pid:?} is no process id: {error}"))?,
    ))
}
