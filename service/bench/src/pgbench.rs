//! The limit of PostgreSQL: the same statements with `pgbench -M prepared`, at its best number of clients.

use anyhow::{Context, Result};
use bench_load::process_tree;

use super::results::Measurement;
use xtask::interrupt;
use xtask::run_tool::tool;

/// The numbers of clients to try.
pub(super) const CLIENTS: [usize; 4] = [4, 8, 16, 32];
const SCRIPTS: &str = "service/bench/limits/pgbench";

/// The database for `pgbench`.
pub(super) struct Pgbench<'a> {
    program: &'a str,
    url: &'a str,
    postgres: u32,
    users: u64,
    runs: u64,
}

impl<'a> Pgbench<'a> {
    /// `runs` is the number of earlier runs on this database: ids and addresses follow from it.
    pub(super) fn new(
        program: &'a str,
        url: &'a str,
        postgres: u32,
        users: u64,
        runs: u64,
    ) -> Self {
        Self {
            program,
            url,
            postgres,
            users,
            runs,
        }
    }

    /// The number of runs on this database so far.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// Runs one script; `pgbench`'s own cost stands in for the server's. It reports mean latency, not percentiles.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn run(
        &mut self,
        operation: &str,
        clients: usize,
        seconds: f64,
    ) -> Result<Measurement> {
        interrupt::check()?;
        self.runs += 1;
        let (connection, password) = without_password(self.url)?;
        let before = (process_tree::cpu_us(self.postgres)?, own_children_cpu_us()?);
        let command = tool(self.program)
            .quiet()
            .secret_env("PGPASSWORD", password);
        let command = command.args(["--no-vacuum", "--protocol=prepared", "--jobs=1"]);
        let command = command
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", seconds.max(1.0).round()));
        let command = command.arg(format!("--file={SCRIPTS}/{operation}.sql"));
        let command = command
            .arg(format!("--define=users={}", self.users))
            .arg("--define=n=0");
        // New ids and addresses for every run.
        let command = command.arg(format!("--define=run={}", 200 + self.runs % 800));
        let words = command.arg(connection).output()?;
        let after = (process_tree::cpu_us(self.postgres)?, own_children_cpu_us()?);
        let number = |label: &str| {
            let found = words.lines().find_map(|line| line.strip_prefix(label));
            let text = found.and_then(|rest| rest.trim().split([' ', '/']).next());
            text.and_then(|text| text.parse::<f64>().ok())
                .with_context(|| format!("pgbench did not print {label:?}"))
        };
        let transactions = number("number of transactions actually processed:")?;
        let latency_us = number("latency average =")? * 1000.0;
        Ok(Measurement {
            connections: clients,
            requests_per_second: number("tps =")?,
            server_cpu_us: (after.1 - before.1) as f64 / transactions,
            postgres_cpu_us: (after.0 - before.0) as f64 / transactions,
            load_cpu_us: 0.0,
            p50_us: latency_us,
            p99_us: 0.0,
            p999_us: 0.0,
            max_us: 0.0,
            resident_bytes: 0.0,
            proportional_bytes: 0.0,
        })
    }
}

/// The URL without the password, and the password, which must not appear in a process list.
pub(super) fn without_password(url: &str) -> Result<(String, String)> {
    let (scheme, rest) = url
        .split_once("://")
        .context("the database's URL has no scheme")?;
    let (user, host) = rest
        .rsplit_once('@')
        .context("the database's URL names no user")?;
    let (user, password) = user
        .split_once(':')
        .context("the database's URL has no password")?;
    Ok((format!("{scheme}://{user}@{host}"), password.to_owned()))
}

/// The CPU time of our exited children; `pgbench` is one by the time this is called.
pub(super) fn own_children_cpu_us() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat
        .rsplit_once(')')
        .context("/proc/self/stat has no name")?
        .1;
    let ticks = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok());
    Ok(ticks.sum::<u64>() * 10_000)
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn the_password_stays_out_of_the_process_list() {
        let (shown, password) =
            without_password("postgres://roster:secret@127.0.0.1:1/db").unwrap();
        assert_eq!(
            (shown.as_str(), password.as_str()),
            ("postgres://roster@127.0.0.1:1/db", "secret")
        );
    }
}
