//! Requests lists from a running Roster.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::roster::Roster;
use super::server::Server;

/// The parts of a user in a page that are used here.
#[derive(Deserialize)]
pub(super) struct Item {
    pub(super) id: String,
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct PageOfUsers {
    pub(super) items: Vec<Item>,
    pub(super) next: Option<String>,
}

/// The HTTP client and URL of the service.
pub(super) struct Client {
    agent: ureq::Agent,
    users: String,
    bearer: String,
}

impl Client {
    /// A client of `server` with a token for all scopes.
    pub(super) fn new(roster: &Roster, server: &Server) -> Result<Self> {
        let token = std::fs::read_to_string(&roster.token_file)?;
        Ok(Self {
            agent: http_client::agent(Duration::from_secs(30)),
            users: format!("http://{}/v1/users", server.address),
            bearer: format!("Bearer {}", token.trim()),
        })
    }

    pub(super) fn page(&self, query: &str) -> Result<PageOfUsers> {
        let request = self
            .agent
            .get(format!("{}?{query}", self.users))
            .header("authorization", &self.bearer);
        let mut answer = request
            .call()
            .with_context(|| format!("no answer to {query}"))?;
        let text = answer.body_mut().read_to_string()?;
        let status = answer.status();
        anyhow::ensure!(status == 200, "{query} got {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// The times of repeated requests for a page, in milliseconds.
    pub(super) fn times(&self, query: &str, repeats: usize) -> Result<Vec<f64>> {
        (0..repeats)
            .map(|_| {
                let begun = Instant::now();
                self.page(query)?;
                Ok(begun.elapsed().as_secs_f64() * 1000.0)
            })
            .collect()
    }

    pub(super) fn create(&self, email: &str, name: &str) -> Result<()> {
        let body: Value = json!({"email": email, "name": name});
        let request = self
            .agent
            .post(&self.users)
            .header("authorization", &self.bearer);
        let mut answer = request.send_json(&body)?;
        answer.body_mut().read_to_vec()?;
        anyhow::ensure!(answer.status() == 201, "a create got {}", answer.status());
        Ok(())
    }

    pub(super) fn delete(&self, id: &str) -> Result<()> {
        let request = self
            .agent
            .delete(format!("{}/{id}", self.users))
            .header("authorization", &self.bearer);
        let answer = request.call()?;
        anyhow::ensure!(answer.status() == 204, "a delete got {}", answer.status());
        Ok(())
    }
}
