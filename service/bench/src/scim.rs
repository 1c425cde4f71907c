//! `cargo xtask bench scim`: what an identity provider costs. A first synchronisation beside the same users over `/v1`, bulk
//! requests beside single ones, and a read of the whole directory by cursor.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bench_load::process_tree;
use serde_json::{Value, json};
use ureq::Agent;

use super::contestants::Family;
use super::database::BenchPostgres;
use super::machine::Machine;
use super::programs::{self, Program};
use super::ratio_goals;
use super::roster::{self, Roster};
use super::server::Server;
use crate::cli::BenchScimArgs;
use dev_postgres::Database;

const CALL_TIMEOUT: Duration = Duration::from_mins(1);
/// Of so many users, one is patched.
const PATCHED: u64 = 10;
/// Operations of a bulk request.
const BULK: u64 = 1000;
/// Users on a page of the full read.
const PAGE: u64 = 200;
/// Pages at each end whose costs are compared.
const EDGE: usize = 50;
/// How much more a user may cost over SCIM than over `/v1`, in bulk than one by one, and on the last pages than on the first.
const GOALS: [(&str, f64); 3] = [("sync", 1.35), ("bulk", 0.6), ("walk", 1.2)];

/// Measures all three.
pub(super) fn run(args: &BenchScimArgs) -> Result<()> {
    let program = programs::build(Family::Roster)?;
    let postgres = BenchPostgres::start(&[])?;
    let machine = Machine::look(&postgres.version);
    let place = Place { program, postgres };
    let (mut v1, mut scim) = (Vec::new(), Vec::new());
    for round in 0..args.rounds {
        printing::eprintln!("round {}: {} users over each API", round + 1, args.users);
        v1.push(place.cpu_of_sync(Api::V1, args)?);
        scim.push(place.cpu_of_sync(Api::Scim, args)?);
    }
    let (v1, scim) = (median(v1), median(scim));
    let (single, bulk) = place.cpu_of_creates(args)?;
    printing::eprintln!("reading {} users by cursor", args.read);
    let (first, last) = place.cpu_of_walk(args)?;
    printing::println!(
        "PostgreSQL {}, {} connections, {} users, medians of {} rounds{}; CPU time in µs, server + PostgreSQL\n\n\
         | what | | | ratio |\n|---|---:|---:|---:|\n\
         | a user of a first synchronisation: look up, create, patch every tenth | /v1 {v1:.1} | SCIM {scim:.1} | {:.2} |\n\
         | a user created | single {single:.1} | bulk of {BULK} {bulk:.1} | {:.2} |\n\
         | a page of {PAGE} by cursor, of {} users | first {EDGE} {first:.1} | last {EDGE} {last:.1} | {:.2} |",
        machine.postgres,
        args.connections,
        args.users,
        args.rounds,
        machine.busy_note(),
        scim / v1,
        bulk / single,
        args.read,
        last / first
    );
    let ratios = [scim / v1, bulk / single, last / first];
    ratio_goals::judge("SCIM", &GOALS, ratios)
}

#[derive(Clone, Copy, PartialEq)]
enum Api {
    V1,
    Scim,
}

/// Where it is measured.
struct Place {
    program: Program,
    postgres: BenchPostgres,
}

/// A running service on a database of its own.
struct Running<'a> {
    server: Server,
    /// Dropped with this.
    _database: Database,
    token: String,
    postgres: &'a BenchPostgres,
}

impl Place {
    /// A service with so many users.
    fn start(&self, users: u64) -> Result<Running<'_>> {
        let database = self.postgres.create("bench_scim")?;
        roster::migrate(&self.program, database.url())?;
        self.postgres.seed(database.url(), users)?;
        let roster = Roster::prepare_for_scim(&self.program, database.url())?;
        let token = std::fs::read_to_string(Path::new(&roster.token_file))?;
        Ok(Running {
            server: roster.serve()?,
            _database: database,
            token: format!("Bearer {}", token.trim()),
            postgres: &self.postgres,
        })
    }

    fn cpu_of_sync(&self, api: Api, args: &BenchScimArgs) -> Result<f64> {
        let running = self.start(1)?;
        // What is prepared once is not the cost of a user.
        running.each(args.connections, 0..500, |client, n| client.sync(api, n))?;
        let cpu = running.cpu_of(|| {
            let users = 1000..1000 + args.users;
            running.each(args.connections, users, |client, n| client.sync(api, n))
        })?;
        running.server.stop()?;
        Ok(cpu / as_f64(args.users))
    }

    fn cpu_of_creates(&self, args: &BenchScimArgs) -> Result<(f64, f64)> {
        let running = self.start(1)?;
        running.each(args.connections, 0..500, |client, n| {
            client.create(Api::Scim, n).map(drop)
        })?;
        let users = args.users.max(BULK) / BULK * BULK;
        let single = running.cpu_of(|| {
            let range = 1_000_000..1_000_000 + users;
            running.each(args.connections, range, |client, n| {
                client.create(Api::Scim, n).map(drop)
            })
        })?;
        let bulk = running.cpu_of(|| {
            running.each(1, 2000..2000 + users / BULK, |client, n| {
                client.bulk(n * BULK)
            })
        })?;
        running.server.stop()?;
        Ok((single / as_f64(users), bulk / as_f64(users)))
    }

    /// The costs of the first and of the last pages.
    fn cpu_of_walk(&self, args: &BenchScimArgs) -> Result<(f64, f64)> {
        let running = self.start(args.read)?;
        let client = running.client();
        let (mut cursor, mut seen, mut costs) = (String::new(), 0, Vec::new());
        loop {
            let before = running.cpu_us()?;
            for _ in 0..EDGE {
                let page = client.get(&format!("/scim/v2/Users?count={PAGE}&cursor={cursor}"))?;
                seen += page["Resources"].as_array().map_or(0, Vec::len);
                page["nextCursor"]
                    .as_str()
                    .unwrap_or("")
                    .clone_into(&mut cursor);
                if cursor.is_empty() {
                    break;
                }
            }
            if cursor.is_empty() {
                break;
            }
            costs.push(as_f64(running.cpu_us()? - before) / as_f64(EDGE as u64));
        }
        ensure!(
            seen as u64 == args.read,
            "a walk by cursor saw {seen} of {} users",
            args.read
        );
        running.server.stop()?;
        let first = costs
            .first()
            .copied()
            .context("fewer users than the pages compared")?;
        Ok((first, costs.last().copied().unwrap_or(first)))
    }
}

impl Running<'_> {
    fn client(&self) -> Client<'_> {
        Client {
            agent: http_client::agent(CALL_TIMEOUT),
            base: format!("http://{}", self.server.address),
            token: &self.token,
        }
    }

    /// Does `work` for each number, on so many connections.
    fn each(
        &self,
        connections: usize,
        numbers: std::ops::Range<u64>,
        work: impl Fn(&Client<'_>, u64) -> Result<()> + Sync,
    ) -> Result<()> {
        let next = AtomicU64::new(numbers.start);
        let (base, token) = (
            format!("http://{}", self.server.address),
            self.token.as_str(),
        );
        std::thread::scope(|scope| {
            let worker = || -> Result<()> {
                let client = Client {
                    agent: http_client::agent(CALL_TIMEOUT),
                    base: base.clone(),
                    token,
                };
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return Ok(());
                    }
                    work(&client, number)?;
                }
            };
            let workers: Vec<_> = (0..connections).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))?
            })
        })
    }

    fn cpu_us(&self) -> Result<u64> {
        let server = process_tree::cpu_us(self.server.process())?;
        Ok(server + process_tree::cpu_us(self.postgres.process)?)
    }

    fn cpu_of(&self, work: impl FnOnce() -> Result<()>) -> Result<f64> {
        let (before, began) = (self.cpu_us()?, Instant::now());
        work()?;
        let cpu = self.cpu_us()? - before;
        printing::eprintln!(
            "{:.1} s, {:.1} s of CPU",
            began.elapsed().as_secs_f64(),
            as_f64(cpu) / 1e6
        );
        Ok(as_f64(cpu))
    }
}

/// A provider on one connection.
struct Client<'a> {
    agent: Agent,
    base: String,
    token: &'a str,
}

impl Client<'_> {
    /// Looks a user up, creates it, and patches every tenth.
    fn sync(&self, api: Api, number: u64) -> Result<()> {
        let address = address(number);
        let found = match api {
            Api::V1 => self.get(&format!("/v1/users?email={address}"))?["items"].take(),
            Api::Scim => {
                let filter = format!("userName%20eq%20%22{address}%22");
                self.get(&format!("/scim/v2/Users?filter={filter}"))?["Resources"].take()
            }
        };
        ensure!(found == json!([]), "{address} was there before");
        let created = self.create(api, number)?;
        if !number.is_multiple_of(PATCHED) {
            return Ok(());
        }
        let id = created["id"].as_str().context("a user without an id")?;
        let (path, body) = match api {
            Api::V1 => (format!("/v1/users/{id}"), json!({"title": "Engineer"})),
            Api::Scim => (
                format!("/scim/v2/Users/{id}"),
                json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{"op": "replace", "path": "title", "value": "Engineer"}],
                }),
            ),
        };
        let request = self.agent.patch(format!("{}{path}", self.base));
        self.answer(request, &body, 200).map(drop)
    }

    fn create(&self, api: Api, number: u64) -> Result<Value> {
        let (path, body) = match api {
            Api::V1 => (
                "/v1/users",
                json!({
                    "email": address(number), "name": format!("User {number}"), "title": "Analyst",
                    "department": "Engines",
                }),
            ),
            Api::Scim => ("/scim/v2/Users", user(number)),
        };
        self.answer(self.agent.post(format!("{}{path}", self.base)), &body, 201)
    }

    fn bulk(&self, first: u64) -> Result<()> {
        let operation = |number: u64| json!({"method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user(number)});
        let operations: Vec<Value> = (first..first + BULK).map(operation).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations,
        });
        let request = self.agent.post(format!("{}/scim/v2/Bulk", self.base));
        let answer = self.answer(request, &body, 200)?;
        let outcomes = answer["Operations"].as_array().context("no Operations")?;
        ensure!(
            outcomes.iter().all(|outcome| outcome["status"] == "201"),
            "an operation of a bulk request failed"
        );
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let mut answer = request.header("authorization", self.token).call()?;
        let status = answer.status();
        if status != 200 {
            let why = answer.body_mut().read_to_string().unwrap_or_default();
            bail!("GET {path} got {status}: {why}");
        }
        Ok(answer
            .body_mut()
            .with_config()
            .limit(16 << 20)
            .read_json()?)
    }

    fn answer(
        &self,
        request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        body: &Value,
        expected: u16,
    ) -> Result<Value> {
        let request = request
            .header("authorization", self.token)
            .header("content-type", "application/json");
        let mut answer = request.send(body.to_string())?;
        let status = answer.status();
        if status != expected {
            let why = answer.body_mut().read_to_string().unwrap_or_default();
            bail!("got {status} instead of {expected}: {why}");
        }
        Ok(answer
            .body_mut()
            .with_config()
            .limit(16 << 20)
            .read_json()?)
    }
}

fn address(number: u64) -> String {
    format!("user{number}@sync.example.com")
}

fn user(number: u64) -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "userName": address(number), "externalId": format!("ext-{number}"), "active": true, "title": "Analyst",
        "displayName": format!("User {number}"), "name": {"givenName": "User", "familyName": number.to_string()},
        "emails": [{"value": address(number), "type": "work", "primary": true}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Engines"},
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn as_f64(count: u64) -> f64 {
    count as f64
}
