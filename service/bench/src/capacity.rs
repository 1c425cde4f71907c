//! `cargo xtask bench capacity`: computes replicas, PostgreSQL size and price from the cost of a request. It measures
//! nothing: costs come from `service/bench/capacity.json`, prices from `terraform/prices.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::results::Results;
use super::{page, table};
use crate::cli::BenchCapacityArgs;
use xtask::failure::{Failure, Kind};
use xtask_terraform::infra::price::{self, UnitPrices};

const INPUT: &str = "service/bench/capacity.json";
const PAGE: &str = "docs/operations.md";
const RATES: [f64; 4] = [100.0, 1_000.0, 10_000.0, 100_000.0];
/// Sizes of a replica, in processors.
const REPLICA_CPUS: [f64; 4] = [0.25, 1.0, 2.0, 4.0];
/// Cloud SQL's processor counts, with their memory.
const DATABASE_CPUS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
const GIB_A_DATABASE_CPU: f64 = 3.75;
/// Cloud SQL's default `max_connections` for PostgreSQL, by memory in GiB.
const CONNECTIONS: [(f64, f64); 7] = [
    (120.0, 1000.0),
    (60.0, 800.0),
    (30.0, 600.0),
    (15.0, 500.0),
    (7.5, 400.0),
    (6.0, 200.0),
    (0.0, 100.0),
];
const GIB: f64 = 1_073_741_824.0;

/// The checked-in input.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    assumed: Assumed,
    measured: Measured,
}

/// Assumptions about the deployment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assumed {
    /// Share of each call among all.
    mix: BTreeMap<String, f64>,
    replica_utilisation: f64,
    database_utilisation: f64,
    fewest_replicas: f64,
    /// Above this number, replicas become larger instead of more.
    most_replicas: f64,
    users: f64,
    retention_days: f64,
    /// The maximum size of the change feed; retention is shortened to fit.
    feed_gib: f64,
}

/// The results of `bench api` and `bench replicas`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    by: String,
    machine: String,
    server_cpu_us: BTreeMap<String, f64>,
    postgres_cpu_us: BTreeMap<String, f64>,
    bytes_a_user: f64,
    bytes_a_change: f64,
}

/// Prints the table; imports new measurements and writes the page if requested.
pub(super) fn run(args: &BenchCapacityArgs) -> Result<()> {
    let mut input = read()?;
    if let Some(from) = &args.from {
        input.measured.take(&Results::read(from)?)?;
        input.write()?;
    }
    if !input.is_measured() {
        let why = format!("{INPUT} contains no measurements");
        let next = "cargo xtask bench replicas --write, cargo xtask bench api --only roster, then bench capacity --from target/bench/api.json";
        return Err(Failure::new(Kind::Missing, "there are no measurements", why, next).into());
    }
    let text = render(&input)?;
    printing::println!("{text}");
    if args.write {
        page::replace_in(Path::new(PAGE), "capacity", &text)?;
    }
    Ok(())
}

/// Fails if the page does not match the input and the prices.
pub(crate) fn check() -> Result<()> {
    let input = read()?;
    let page = std::fs::read_to_string(PAGE).with_context(|| format!("cannot read {PAGE}"))?;
    if !input.is_measured() && page.contains("\nNot measured yet.\n") {
        printing::eprintln!(
            "NOT PROVEN: the capacity table needs measurements: cargo xtask bench capacity --help"
        );
        return Ok(());
    }
    let text = render(&input)?;
    if page.contains(text.trim()) {
        printing::eprintln!("the capacity table matches the measurements and prices");
        return Ok(());
    }
    let why = format!("its table does not match {INPUT} and terraform/prices.toml");
    let next = "regenerate it: cargo xtask bench capacity --write";
    Err(Failure::new(Kind::Check, format!("{PAGE} is out of date"), why, next).into())
}

/// Stores the size of rows on disk.
pub(super) fn keep_sizes(bytes_a_user: f64, bytes_a_change: f64) -> Result<()> {
    let mut input = read()?;
    input.measured.bytes_a_user = bytes_a_user.round();
    input.measured.bytes_a_change = bytes_a_change.round();
    input.write()
}

impl Input {
    fn is_measured(&self) -> bool {
        self.measured.bytes_a_change > 0.0
            && self.measured.server_cpu_us.values().all(|us| *us > 0.0)
    }

    fn write(&self) -> Result<()> {
        std::fs::write(INPUT, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {INPUT}"))?;
        printing::eprintln!("written: {INPUT}");
        Ok(())
    }
}

fn read() -> Result<Input> {
    let text = std::fs::read_to_string(INPUT).with_context(|| format!("cannot read {INPUT}"))?;
    serde_json::from_str(&text).with_context(|| format!("{INPUT} is not well formed"))
}

impl Measured {
    fn take(&mut self, results: &Results) -> Result<()> {
        for (call, server) in &mut self.server_cpu_us {
            let found = results
                .median("roster", call)
                .with_context(|| format!("the results have no Roster and `{call}`"))?;
            let rounded = |value: f64| (value * 10.0).round() / 10.0;
            *server = rounded(found.server_cpu_us);
            self.postgres_cpu_us
                .insert(call.clone(), rounded(found.postgres_cpu_us));
        }
        let busy = if results.machine.was_busy() {
            ", not quiet"
        } else {
            ""
        };
        self.by = format!("cargo xtask bench api at {}", results.revision);
        self.machine = format!(
            "{} × {}{busy}",
            results.machine.cores, results.machine.processor
        );
        Ok(())
    }
}

/// The requirements for one request rate.
#[derive(Debug)]
struct Advice {
    rate: f64,
    replicas: f64,
    replica_cpus: f64,
    pool: f64,
    /// `None` if one PostgreSQL is not enough.
    database_cpus: Option<f64>,
    connections: f64,
    retention_days: f64,
    disk_gib: f64,
    replicas_month: f64,
    database_month: f64,
}

fn advice(rate: f64, input: &Input, prices: &UnitPrices) -> Advice {
    let (assumed, measured) = (&input.assumed, &input.measured);
    let cores = |cpu: &BTreeMap<String, f64>, utilisation: f64| {
        rate * weighted(&assumed.mix, cpu) / 1e6 / utilisation
    };
    let served = cores(&measured.server_cpu_us, assumed.replica_utilisation);
    let fit = |size: &f64| (served / size).ceil().max(assumed.fewest_replicas);
    let largest = REPLICA_CPUS[REPLICA_CPUS.len() - 1];
    let replica_cpus = REPLICA_CPUS
        .into_iter()
        .find(|size| fit(size) <= assumed.most_replicas)
        .unwrap_or(largest);
    let replicas = fit(&replica_cpus);
    let asked = cores(&measured.postgres_cpu_us, assumed.database_utilisation);
    let database_cpus = DATABASE_CPUS.into_iter().find(|size| *size >= asked);
    let sized = database_cpus.unwrap_or(asked.ceil());
    // The read and write lanes have one connection each; lists share the others, two per processor.
    let pool = (2.0 + (2.0 * sized / replicas).ceil()).clamp(4.0, 16.0);
    let writes = ["post", "put"]
        .iter()
        .filter_map(|call| assumed.mix.get(*call))
        .sum::<f64>();
    let feed_gib_a_day = rate * writes * 86_400.0 * measured.bytes_a_change / GIB;
    let retention_days = (assumed.feed_gib / feed_gib_a_day)
        .floor()
        .clamp(1.0, assumed.retention_days);
    let data = assumed.users * measured.bytes_a_user / GIB + feed_gib_a_day * retention_days;
    // Half as much again for the write-ahead log, vacuum and growth; Cloud SQL starts at 10 GiB.
    let disk_gib = (data * 1.5 / 10.0).ceil() * 10.0;
    Advice {
        rate,
        replicas,
        replica_cpus,
        pool,
        database_cpus,
        // One more connection per replica listens for changes.
        connections: replicas * (pool + 1.0),
        retention_days,
        disk_gib,
        replicas_month: replicas
            * (replica_cpus * prices.pod_vcpu_month
                + replica_cpus.max(0.5) * prices.pod_memory_gib_month),
        // A standby doubles the price.
        database_month: 2.0
            * (sized * prices.database_vcpu_month
                + sized * GIB_A_DATABASE_CPU * prices.database_memory_gib_month
                + disk_gib * prices.ssd_gib_month),
    }
}

/// The average of a figure over the calls of the mix.
fn weighted(mix: &BTreeMap<String, f64>, of: &BTreeMap<String, f64>) -> f64 {
    mix.iter()
        .map(|(call, share)| share * of.get(call).copied().unwrap_or(f64::NAN))
        .sum()
}

fn allowed_connections(database_cpus: f64) -> f64 {
    let memory = database_cpus * GIB_A_DATABASE_CPU;
    CONNECTIONS
        .into_iter()
        .find(|(from, _)| memory >= *from)
        .map_or(100.0, |(_, connections)| connections)
}

fn render(input: &Input) -> Result<String> {
    let prices = price::units()?;
    let (assumed, measured) = (&input.assumed, &input.measured);
    let mut text = String::from(
        "| requests/s | replicas | pool of each | PostgreSQL, with a standby | connections, of so many | changes kept | USD a month: replicas + database |\n\
         | ---: | --- | ---: | --- | --- | --- | ---: |\n",
    );
    for rate in RATES {
        let it = advice(rate, input, &prices);
        let (database, allowed) = it.database_cpus.map_or_else(
            || ("more than one server has".to_owned(), "–".to_owned()),
            |cpus| {
                (
                    format!(
                        "{cpus} vCPU, {} GiB, {} GiB SSD",
                        cpus * GIB_A_DATABASE_CPU,
                        it.disk_gib
                    ),
                    table::thousands(allowed_connections(cpus)),
                )
            },
        );
        let _ = writeln!(
            text,
            "| {} | {} × {} vCPU | {} | {database} | {} of {allowed} | {} d | {} + {} = {} |",
            table::thousands(it.rate),
            it.replicas,
            it.replica_cpus,
            it.pool,
            it.connections,
            it.retention_days,
            table::thousands(it.replicas_month),
            table::thousands(it.database_month),
            table::thousands(it.replicas_month + it.database_month),
        );
    }
    let mix: Vec<String> = assumed
        .mix
        .iter()
        .map(|(call, share)| format!("{:.0} % {call}", share * 100.0))
        .collect();
    let _ = write!(
        text,
        "\nA request costs a replica {:.1} µs and PostgreSQL {:.1} µs of CPU time in this mix: {} ({}, {}). Processors are {:.0} % busy in \
         the replicas and {:.0} % in PostgreSQL. {} users of {} bytes, changes of {} bytes, indexes included. Prices of {}, \
         region and details: [prices.toml](../terraform/prices.toml); traffic, the cluster's own cost and backups are not in them.",
        weighted(&assumed.mix, &measured.server_cpu_us),
        weighted(&assumed.mix, &measured.postgres_cpu_us),
        mix.join(", "),
        measured.by,
        measured.machine,
        assumed.replica_utilisation * 100.0,
        assumed.database_utilisation * 100.0,
        table::thousands(assumed.users),
        table::thousands(measured.bytes_a_user),
        table::thousands(measured.bytes_a_change),
        price::checked()?,
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Input {
        let by_call = |values: [f64; 4]| -> BTreeMap<String, f64> {
            ["get", "list", "post", "put"]
                .into_iter()
                .map(str::to_owned)
                .zip(values)
                .collect()
        };
        Input {
            assumed: Assumed {
                mix: by_call([0.7, 0.2, 0.05, 0.05]),
                replica_utilisation: 0.5,
                database_utilisation: 0.5,
                fewest_replicas: 3.0,
                most_replicas: 8.0,
                users: 1e6,
                retention_days: 30.0,
                feed_gib: 500.0,
            },
            measured: Measured {
                by: String::new(),
                machine: String::new(),
                server_cpu_us: by_call([50.0; 4]),
                postgres_cpu_us: by_call([100.0; 4]),
                bytes_a_user: 1000.0,
                bytes_a_change: 300.0,
            },
        }
    }

    const PRICES: UnitPrices = UnitPrices {
        pod_vcpu_month: 40.0,
        pod_memory_gib_month: 4.0,
        database_vcpu_month: 30.0,
        database_memory_gib_month: 5.0,
        ssd_gib_month: 0.2,
    };

    #[test]
    fn ten_thousand_requests_of_50_and_100_microseconds_ask_for_one_and_two_processors_half_busy() {
        let it = advice(10_000.0, &input(), &PRICES);
        // 10,000 × 50 µs = 0.5 processors, half busy: 1 in all, so four of a quarter.
        assert_eq!((it.replicas, it.replica_cpus), (4.0, 0.25));
        assert_eq!(it.database_cpus, Some(2.0));
        // Two lanes and one connection for lists; at least four, and one that listens.
        assert_eq!((it.pool, it.connections), (4.0, 20.0));
    }

    #[test]
    fn little_load_still_has_the_fewest_replicas_and_keeps_all_changes() {
        let it = advice(100.0, &input(), &PRICES);
        assert_eq!((it.replicas, it.database_cpus), (3.0, Some(1.0)));
        assert!((it.retention_days - 30.0).abs() < 1e-9);
        assert!((it.replicas_month - 3.0 * (0.25 * 40.0 + 0.5 * 4.0)).abs() < 1e-9);
    }

    #[test]
    fn more_writes_than_the_disk_holds_shorten_the_retention() {
        let it = advice(100_000.0, &input(), &PRICES);
        // 10,000 changes per second of 300 bytes are 241 GiB per day.
        assert!((it.retention_days - 2.0).abs() < 1e-9);
        assert_eq!(it.database_cpus, Some(32.0));
    }

    #[test]
    fn what_no_server_can_do_is_said() {
        let mut input = input();
        for cpu in input.measured.postgres_cpu_us.values_mut() {
            *cpu = 1000.0;
        }
        assert_eq!(advice(100_000.0, &input, &PRICES).database_cpus, None);
    }

    #[test]
    fn connections_grow_with_the_memory() {
        let of = allowed_connections;
        assert!(
            (of(1.0) - 100.0).abs() < 1e-9
                && (of(2.0) - 400.0).abs() < 1e-9
                && (of(64.0) - 1000.0).abs() < 1e-9
        );
    }
}
