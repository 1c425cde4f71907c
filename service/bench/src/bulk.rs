//! `cargo xtask bench bulk`: what an import and an export cost beside what PostgreSQL alone needs for the same users, and
//! beside single requests.

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use bench_load::process_tree;
use bench_load::seeded;
use serde_json::{Value, json};

use super::contestants::Family;
use super::database::{BenchPostgres, seeded_row};
use super::load::{Load, Target, Workload};
use super::machine::Machine;
use super::pgbench::{own_children_cpu_us, without_password};
use super::programs::{self, FOLDER, Program};
use super::roster::{self, Roster};
use super::server::Server;
use super::{page, ratio_goals, table};
use crate::cli::BenchBulkArgs;
use xtask::run_tool::tool;

/// Requests of the single POSTs, at the most: they are for comparison alone.
const POSTS: u64 = 100_000;
/// How much a user may cost: imported, of what COPY takes and of what a POST takes; exported, of what COPY TO takes.
const GOALS: [(&str, f64); 3] = [
    ("import beside COPY", 2.0),
    ("import beside single POSTs", 0.25),
    ("export beside COPY TO", 2.5),
];
/// What there is to compare with and does not run here.
const NOT_RUN: &str = "Not run: Keycloak's partial import, Kratos' batch and LLDAP's bootstrap, which need programs or \
                       networks that this command does not have.";

/// What a user cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// CPU time of the server, or of the program in its place, and of PostgreSQL, in µs.
    server: f64,
    postgres: f64,
    users_per_second: f64,
    /// How much resident memory the server gained at its peak, in MiB.
    gained_mib: Option<f64>,
}

impl Cost {
    fn cpu(&self) -> f64 {
        self.server + self.postgres
    }
}

/// Measures all of it.
pub(super) fn run(args: &BenchBulkArgs) -> Result<()> {
    let program = programs::build(Family::Roster)?;
    let load = programs::load()?;
    let postgres = BenchPostgres::start(&[])?;
    let bench = Bench {
        file: std::path::absolute(FOLDER)?.join("bulk-users.jsonl"),
        program,
        postgres,
        load,
        users: args.users,
    };
    bench.write_file()?;
    let mut rows: [Vec<Cost>; 7] = Default::default();
    for round in 0..args.rounds {
        printing::eprintln!("round {}: {} users", round + 1, args.users);
        let (copied, copy_to, exported) = bench.copy_and_export()?;
        let (imported, again) = bench.import()?;
        let costs = [
            copied,
            imported,
            again,
            bench.post(1)?,
            bench.post(64)?,
            copy_to,
            exported,
        ];
        for (row, cost) in rows.iter_mut().zip(costs) {
            row.push(cost);
        }
    }
    let _ = std::fs::remove_file(&bench.file);
    let costs = rows.map(median);
    let text = report(&bench, args, &costs);
    printing::println!("{text}");
    if args.write {
        page::replace("bulk", &text)?;
    }
    judge(&costs)
}

fn report(bench: &Bench, args: &BenchBulkArgs, costs: &[Cost; 7]) -> String {
    let machine = Machine::look(&bench.postgres.version);
    let mut text = format!(
        "PostgreSQL {}, {} users, medians of {} rounds{}. CPU time a user, µs: server + PostgreSQL.\n\n\
         | what | CPU, µs | users/s | resident memory gained, MiB |\n|---|---:|---:|---:|\n",
        machine.postgres,
        table::count(args.users),
        args.rounds,
        machine.busy_note()
    );
    let titles = [
        "limit: binary COPY FROM into the same indexes, without the change feed",
        "**import**, new users",
        "import again with mode=upsert, nothing to change",
        "single POSTs, one after the other",
        "single POSTs, 64 at a time",
        "limit: COPY TO a file, psql in the server's place",
        "**export**",
    ];
    for (title, cost) in titles.iter().zip(costs) {
        let memory = cost
            .gained_mib
            .map_or("–".to_owned(), |gained| format!("{gained:.1}"));
        let _ = writeln!(
            text,
            "| {title} | {:.1} ({:.1} + {:.1}) | {} | {memory} |",
            cost.cpu(),
            cost.server,
            cost.postgres,
            table::thousands(cost.users_per_second)
        );
    }
    let _ = write!(text, "\n{NOT_RUN}");
    text
}

fn ratios(costs: &[Cost; 7]) -> [f64; 3] {
    let [copied, imported, _, single, _, copy_to, exported] = costs.map(|cost| cost.cpu());
    [imported / copied, imported / single, exported / copy_to]
}

fn judge(costs: &[Cost; 7]) -> Result<()> {
    let ratios = ratios(costs);
    for ((what, goal), ratio) in GOALS.iter().zip(ratios) {
        printing::println!("{what}: {ratio:.2} (goal: at most {goal})");
    }
    ratio_goals::judge("bulk", &GOALS, ratios)
}

struct Bench {
    program: Program,
    postgres: BenchPostgres,
    load: PathBuf,
    users: u64,
    /// The users that are imported.
    file: PathBuf,
}

/// CPU times before something is measured.
struct Before {
    server: u32,
    server_us: u64,
    postgres_us: u64,
    resident_kib: Option<u64>,
    at: Instant,
}

impl Bench {
    fn write_file(&self) -> Result<()> {
        let mut out = BufWriter::new(std::fs::File::create(&self.file)?);
        for number in 0..self.users {
            writeln!(out, "{}", user(number))?;
        }
        Ok(out.flush()?)
    }

    /// Begins to measure; `server` is a process and all below it.
    fn begin(&self, server: u32) -> Result<Before> {
        // Where it cannot be set back, the peak of the start counts.
        let _ = std::fs::write(format!("/proc/{server}/clear_refs"), "5");
        Ok(Before {
            server,
            server_us: process_tree::cpu_us(server)?,
            postgres_us: process_tree::cpu_us(self.postgres.process)?,
            resident_kib: status(server, "VmRSS:"),
            at: Instant::now(),
        })
    }

    fn end(&self, before: &Before, users: u64) -> Result<Cost> {
        let each = |now: u64, before: u64| as_f64(now - before) / as_f64(users);
        let peak = status(before.server, "VmHWM:");
        let gained = peak.zip(before.resident_kib);
        Ok(Cost {
            server: each(process_tree::cpu_us(before.server)?, before.server_us),
            postgres: each(
                process_tree::cpu_us(self.postgres.process)?,
                before.postgres_us,
            ),
            users_per_second: as_f64(users) / before.at.elapsed().as_secs_f64(),
            gained_mib: gained
                .map(|(peak, resident)| as_f64(peak.saturating_sub(resident)) / 1024.0),
        })
    }

    /// COPY into the indexes, then out of the table, by PostgreSQL alone and by an export.
    fn copy_and_export(&self) -> Result<(Cost, Cost, Cost)> {
        let database = self.postgres.create("bench_bulk_copy")?;
        roster::migrate(&self.program, database.url())?;
        // This process makes the rows: that is not a cost of COPY.
        let before = self.begin(self.postgres.process)?;
        let rows = (0..self.users).map(seeded_row);
        self.postgres.copy_in(database.url(), rows)?;
        self.postgres.settle(database.url())?;
        let copied = Cost {
            server: 0.0,
            gained_mib: None,
            ..self.end(&before, self.users)?
        };
        self.postgres.tidy(database.url())?;
        self.postgres.warm(database.url())?;

        let path = std::path::absolute(FOLDER)?.join("bulk-copied.txt");
        let (connection, password) = without_password(database.url())?;
        let sql = format!(
            "\\copy (SELECT id, email, name, phone, title, department, status, created_at, updated_at FROM users) TO '{}'",
            path.display()
        );
        let psql = tool(programs::of_postgres("psql")?).quiet();
        let psql = psql.secret_env("PGPASSWORD", password);
        let children = own_children_cpu_us()?;
        let before = self.begin(self.postgres.process)?;
        psql.args(["-q", "-X", "-c", &sql])
            .arg(connection)
            .output()?;
        let copy_to = Cost {
            server: as_f64(own_children_cpu_us()? - children) / as_f64(self.users),
            gained_mib: None,
            ..self.end(&before, self.users)?
        };
        let _ = std::fs::remove_file(&path);

        let (server, token) = self.serve(database.url())?;
        let path = std::path::absolute(FOLDER)?.join("bulk-exported.jsonl");
        // The first one warms up what is made once.
        self.export(&server, &token, &path, "?q=nobody")?;
        let before = self.begin(server.process())?;
        self.export(&server, &token, &path, "")?;
        let exported = self.end(&before, self.users)?;
        let lines = std::io::BufReader::new(std::fs::File::open(&path)?)
            .lines()
            .count();
        ensure!(
            lines as u64 == self.users + 1,
            "the export has {lines} lines"
        );
        let _ = std::fs::remove_file(&path);
        server.stop()?;
        Ok((copied, copy_to, exported))
    }

    /// New users, and the same again.
    fn import(&self) -> Result<(Cost, Cost)> {
        let database = self.postgres.create("bench_bulk_import")?;
        roster::migrate(&self.program, database.url())?;
        let (server, token) = self.serve(database.url())?;
        let before = self.begin(server.process())?;
        self.send(&server, &token, "create")?;
        self.postgres.settle(database.url())?;
        let imported = self.end(&before, self.users)?;
        let count = self
            .postgres
            .texts(database.url(), "SELECT count(*)::text FROM users")?;
        let wanted = (self.users + 1).to_string();
        ensure!(count == [wanted], "{count:?} users were imported");
        let before = self.begin(server.process())?;
        self.send(&server, &token, "upsert")?;
        let again = self.end(&before, self.users)?;
        server.stop()?;
        Ok((imported, again))
    }

    fn post(&self, connections: usize) -> Result<Cost> {
        let database = self.postgres.create("bench_bulk_post")?;
        roster::migrate(&self.program, database.url())?;
        self.postgres.seed(database.url(), self.users)?;
        let roster = Roster::prepare(&self.program, database.url())?;
        let server = roster.serve()?;
        let posts = self.users.min(POSTS) / connections as u64 * connections as u64;
        let mut load = Load::new(self.load.clone());
        let target = Target {
            address: server.address,
            users: self.users,
            token_file: Some(&roster.token_file),
            server: server.process(),
            postgres: Some(self.postgres.process),
        };
        let workload = Workload {
            operation: "post",
            connections,
            rate: None,
            seconds: 0.0,
            requests: Some(posts),
        };
        let found = load.run("roster", &target, workload)?;
        server.stop()?;
        Ok(Cost {
            server: found.server_cpu_us,
            postgres: found.postgres_cpu_us,
            users_per_second: found.requests_per_second,
            gained_mib: None,
        })
    }

    /// A service with one user of its own, which is there to be asked for.
    fn serve(&self, url: &str) -> Result<(Server, PathBuf)> {
        let sql = format!(
            "INSERT INTO users (id, email, email_key, name, name_key, status, row_version, created_at, updated_at, search_grams)
             VALUES ('{}', 'first@other.example', 'first@other.example', 'First', 'first', 'active', 1, now(), now(), '')
             ON CONFLICT DO NOTHING",
            seeded::id(0)
        );
        self.postgres.execute(url, &[&sql])?;
        let roster = Roster::prepare(&self.program, url)?;
        let token = roster.token_file.clone();
        Ok((
            roster.serve_with(&["--import-share-percent", "100"])?,
            token,
        ))
    }

    fn send(&self, server: &Server, token: &Path, mode: &str) -> Result<()> {
        let url = format!("http://{}", server.address);
        let file = self.file.display().to_string();
        let command = tool(self.program.path.display().to_string()).quiet();
        let command = command.args(["import", "--url", &url, "--mode", mode, "--token-file"]);
        command.arg(token).arg(&file).output().map(drop)
    }

    fn export(&self, server: &Server, token: &Path, path: &Path, query: &str) -> Result<()> {
        let url = format!("http://{}", server.address);
        let command = tool(self.program.path.display().to_string()).quiet();
        let mut command = command
            .args(["export", "--url", &url, "--token-file"])
            .arg(token);
        if let Some(text) = query.strip_prefix("?q=") {
            command = command.args(["-q", text]);
        }
        command.arg("--output").arg(path).output().map(drop)
    }
}

/// A user as [`seeded_row`] has it.
fn user(number: u64) -> Value {
    let row = seeded_row(number);
    json!({
        "email": row.email, "name": row.name, "phone": row.phone, "title": row.title, "department": row.department,
        "status": row.status,
    })
}

fn status(process: u32, label: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|one, other| one.cpu().total_cmp(&other.cpu()));
    costs.get(costs.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Cost, median, ratios};

    #[test]
    fn ratios_are_those_of_the_goals() {
        let cost = |server| Cost {
            server,
            ..Cost::default()
        };
        let costs = [10.0, 15.0, 1.0, 60.0, 30.0, 2.0, 4.0].map(cost);
        assert_eq!(
            ratios(&costs).map(f64::to_bits),
            [1.5, 0.25, 2.0].map(f64::to_bits)
        );
        assert_eq!(
            median(vec![cost(3.0), cost(1.0), cost(2.0)])
                .server
                .to_bits(),
            2.0_f64.to_bits()
        );
    }
}
