//! A steady load of every kind of call over the replicas. It measures nothing. Must not stop at errors: outages are
//! part of the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

/// The interval of a worker's calls.
const PACE: Duration = Duration::from_millis(80);
const WORKERS: u64 = 4;

/// Workers that run until the value is dropped.
pub(super) struct Load {
    shared: Arc<Shared>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    ends: AtomicBool,
    good: AtomicU64,
    /// By status; 0 means no response.
    failures: Mutex<BTreeMap<u16, u64>>,
    /// Acknowledged users without a delete request.
    created: Mutex<BTreeSet<String>>,
}

impl Load {
    /// Starts calling these replicas.
    pub(super) fn start(targets: Vec<String>) -> Self {
        let shared = Arc::<Shared>::default();
        let targets = Arc::new(targets);
        let threads = (0..WORKERS)
            .map(|number| {
                let mut worker = Worker {
                    shared: Arc::clone(&shared),
                    agent: http_client::agent(Duration::from_secs(5)),
                    targets: Arc::clone(&targets),
                    number,
                    step: 0,
                    users: Vec::new(),
                };
                std::thread::spawn(move || worker.run())
            })
            .collect();
        Self { shared, threads }
    }

    /// Successful and failed calls.
    pub(super) fn answered(&self) -> (u64, u64) {
        (
            self.shared.good.load(Ordering::Relaxed),
            self.failures().values().sum(),
        )
    }

    /// The number of failed calls by status; 0 means no response.
    pub(super) fn failures(&self) -> BTreeMap<u16, u64> {
        lock(&self.shared.failures).clone()
    }

    /// Users that must exist.
    pub(super) fn created(&self) -> BTreeSet<String> {
        lock(&self.shared.created).clone()
    }

    /// Stops it and waits for calls in progress.
    pub(super) fn stop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Worker {
    shared: Arc<Shared>,
    agent: Agent,
    targets: Arc<Vec<String>>,
    number: u64,
    step: u64,
    users: Vec<String>,
}

impl Worker {
    fn run(&mut self) {
        while !self.shared.ends.load(Ordering::Relaxed) {
            match self.call() {
                200..500 => {
                    self.shared.good.fetch_add(1, Ordering::Relaxed);
                }
                status => *lock(&self.shared.failures).entry(status).or_default() += 1,
            }
            self.step += 1;
            std::thread::sleep(PACE);
        }
    }

    /// One call, of the next kind each time; returns its status, or 0 without a response.
    fn call(&mut self) -> u16 {
        let index = usize::try_from(self.step).unwrap_or_default();
        let base = self.targets[index % self.targets.len()].clone();
        let user = self.users.get(index % self.users.len().max(1)).cloned();
        let url = |path: &str| format!("{base}{path}");
        let answer = match (self.step % 12, user) {
            (0 | 6, _) => return self.create(&url("/v1/users")),
            (1, _) => self.agent.get(url("/v1/users?limit=20&sort=-name")).call(),
            (2, _) => self.agent.get(url("/v1/users?q=ad&status=active")).call(),
            (3, _) => self.agent.get(url("/v1/users/changes?limit=50")).call(),
            (4, Some(id)) => self
                .agent
                .patch(url(&format!("/v1/users/{id}")))
                .content_type("application/merge-patch+json")
                .send(json!({"title": format!("Engineer {}", self.step)}).to_string()),
            (5, _) => self.agent.get(url("/v1/users/no-such-user")).call(),
            (7, _) => self.agent.get(url("/openapi.json")).call(),
            (8, Some(id)) => self
                .agent
                .put(url(&format!("/v1/users/{id}")))
                .send_json(self.user()),
            (9, Some(id)) if self.users.len() > 50 => {
                self.users.retain(|other| *other != id);
                lock(&self.shared.created).remove(&id);
                self.agent.delete(url(&format!("/v1/users/{id}"))).call()
            }
            (10, _) => self
                .agent
                .post(url("/v1/users"))
                .send_json(json!({"email": "not an address"})),
            (_, Some(id)) => self.agent.get(url(&format!("/v1/users/{id}"))).call(),
            (_, None) => self.agent.get(url("/")).call(),
        };
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    fn user(&self) -> Value {
        let name = format!("{}-{}", self.number, self.step);
        json!({"email": format!("ada-{name}@example.com"), "name": format!("Ada {name}"), "department": "Engines"})
    }

    fn create(&mut self, url: &str) -> u16 {
        let Ok(mut answer) = self.agent.post(url).send_json(self.user()) else {
            return 0;
        };
        if answer.status() == 201
            && let Ok(user) = answer.body_mut().read_json::<Value>()
            && let Some(id) = user["id"].as_str()
        {
            self.users.push(id.to_owned());
            lock(&self.shared.created).insert(id.to_owned());
        }
        answer.status().as_u16()
    }
}
