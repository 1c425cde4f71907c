//! Steady load on a running service, with an account of every request.
//!
//! Requests are due at fixed times, independent of earlier responses, so that a pause of the service is detected. Every
//! acknowledged write is verified at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use ureq::Agent;

pub(crate) use crate::cluster::target::Target;
use crate::cluster::target::{agent, token};

const CLIENTS: u64 = 20;
const LONGEST_UNREACHED: Duration = Duration::from_mins(1);
const FAILURES_KEPT: usize = 10;

/// The results of the requests.
pub(crate) struct Account {
    pub(crate) target: &'static str,
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) lost_writes: usize,
    pub(crate) writes: usize,
    pub(crate) slowest: Duration,
    pub(crate) took: Duration,
    /// The first failures, with their time in seconds.
    pub(crate) failures: Vec<String>,
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.took.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "printed without decimals")]
        let rate = self.requests as f64 / seconds;
        write!(
            f,
            "{}: {} requests in {seconds:.1} s ({rate:.0}/s), {} failed; {} writes, {} lost; slowest {:.0} ms",
            self.target,
            self.requests,
            self.failed,
            self.writes,
            self.lost_writes,
            self.slowest.as_secs_f64() * 1000.0,
        )
    }
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Of ten requests: two creations, one change, seven reads.
    Everyday,
    /// One creation per client, then reads.
    Reads,
}

/// Load that runs until it is stopped.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    target: Target,
    mix: Mix,
    agent: Agent,
    authorization: Option<String>,
    stop: AtomicBool,
    begun: Instant,
    requests: AtomicU64,
    failed: AtomicU64,
    slowest_us: AtomicU64,
    failures: Mutex<Vec<String>>,
    /// Id and the last acknowledged name.
    written: Mutex<BTreeMap<String, String>>,
}

impl Load {
    /// Starts this many requests per second.
    pub(crate) fn begin(target: &Target, rate: u64, mix: Mix) -> Result<Self> {
        let agent = agent(target);
        let authorization = token(&agent, target)?;
        let shared = Arc::new(Shared {
            target: target.clone(),
            mix,
            agent,
            authorization,
            stop: AtomicBool::new(false),
            begun: Instant::now(),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            slowest_us: AtomicU64::new(0),
            failures: Mutex::default(),
            written: Mutex::default(),
        });
        let clients = (0..CLIENTS)
            .map(|client| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.keep_asking(client, rate))
            })
            .collect();
        Ok(Self { shared, clients })
    }

    /// Stops, verifies every acknowledged write, and returns the account.
    pub(crate) fn end(self) -> Account {
        self.shared.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            let _ = client.join();
        }
        let took = self.shared.begun.elapsed();
        let written = self.shared.written();
        let lost = written
            .iter()
            .filter(|(id, name)| !self.shared.is_stored(id, name));
        Account {
            target: self.shared.target.name,
            requests: self.shared.requests.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
            lost_writes: lost.count(),
            writes: written.len(),
            slowest: Duration::from_micros(self.shared.slowest_us.load(Ordering::Relaxed)),
            took,
            failures: self
                .shared
                .failures
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}

impl Shared {
    fn written(&self) -> BTreeMap<String, String> {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One client: its share of the requests, each at its due time.
    fn keep_asking(&self, client: u64, rate: u64) {
        let interval = Duration::from_secs_f64(1.0) * u32::try_from(CLIENTS).unwrap_or(1)
            / u32::try_from(rate.max(1)).unwrap_or(1);
        let mut due = self.begun
            + interval * u32::try_from(client).unwrap_or(0) / u32::try_from(CLIENTS).unwrap_or(1);
        let mut last_id: Option<String> = None;
        let mut turn = 0_u64;
        while !self.stop.load(Ordering::Relaxed) {
            if let Some(wait) = due.checked_duration_since(Instant::now()) {
                thread::sleep(wait);
            }
            due += interval;
            self.ask(client, turn, &mut last_id);
            turn += 1;
        }
    }

    fn ask(&self, client: u64, turn: u64, last_id: &mut Option<String>) {
        let name = format!("Load {client} {turn}");
        let turn_of_ten = if self.mix == Mix::Reads { 1 } else { turn % 10 };
        let answer = match (turn_of_ten, last_id.as_ref()) {
            (0 | 5, _) | (_, None) => {
                let email = format!("load-{}-{client}-{turn}@example.com", unique());
                let user = json!({"email": email, "name": name});
                self.send("POST", "/v1/users", Some(&user), 201)
            }
            (9, Some(id)) => {
                let path = format!("/v1/users/{id}");
                self.send("PATCH", &path, Some(&json!({"name": name})), 200)
            }
            (_, Some(id)) => {
                self.send("GET", &format!("/v1/users/{id}"), None, 200);
                return;
            }
        };
        if let Some(id) = answer.as_ref().and_then(|user| user["id"].as_str()) {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.insert(id.to_owned(), name);
            *last_id = Some(id.to_owned());
        }
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>, wanted: u16) -> Option<Value> {
        let begun = Instant::now();
        let result = self.exchange(method, path, body);
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.slowest_us.fetch_max(took, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let why = match result {
            Ok((status, answer)) if status == wanted => return Some(answer),
            Ok((status, answer)) => format!("{status} {answer}"),
            Err(error) => format!("{error:#}"),
        };
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < FAILURES_KEPT {
            let second = self.begun.elapsed().as_secs_f64();
            failures.push(format!("{second:.2} s: {method} {path}: {why}"));
        }
        None
    }

    fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.target.url));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut answer = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string())?)?
            }
            None => self.agent.run(request.body(())?)?,
        };
        let status = answer.status().as_u16();
        Ok((status, answer.body_mut().read_json().unwrap_or_default()))
    }

    fn is_stored(&self, id: &str, name: &str) -> bool {
        // A lost response is not a lost write, so it is read twice.
        (0..2).any(|_| {
            self.exchange("GET", &format!("/v1/users/{id}"), None)
                .is_ok_and(|(status, user)| status == 200 && user["name"] == *name)
        })
    }
}

/// Waits until the service responds through this route: a gateway needs a moment for a new certificate or route.
pub(crate) fn wait_until_reached(target: &Target) -> Result<()> {
    let begun = Instant::now();
    loop {
        let why = match agent(target).get(format!("{}/", target.url)).call() {
            Ok(answer) if answer.status().as_u16() == 200 => return Ok(()),
            Ok(answer) => anyhow::anyhow!("it answers {}", answer.status()),
            Err(error) => error.into(),
        };
        if begun.elapsed() > LONGEST_UNREACHED {
            return Err(why);
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// Status and `Location` of one response, without following it.
pub(crate) fn ask_once(target: &Target, path: &str) -> Result<(u16, String)> {
    let answer = agent(target).get(format!("{}{path}", target.url)).call()?;
    let location = answer.headers().get("location");
    let location = location.and_then(|value| value.to_str().ok());
    let location = location.unwrap_or_default().to_owned();
    Ok((answer.status().as_u16(), location))
}

/// Different for every run, so that e-mail addresses are unique.
fn unique() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_nanos() ^ u128::from(std::process::id())
}
