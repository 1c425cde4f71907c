//! A client of the API at any address. Follows no redirect, decodes nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};

use roster_dev::local_roster::LocalRoster;

/// A client with a token.
pub(super) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

/// A response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn new(base: String, roster: &LocalRoster) -> Self {
        Self {
            agent: http_client::agent(Duration::from_secs(30)),
            base,
            authorization: Some(format!("Bearer {}", roster.token())),
        }
    }

    /// The same without a token.
    pub(super) fn without_token(self) -> Self {
        Self {
            authorization: None,
            ..self
        }
    }

    /// Sends a request; a body is JSON.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer> {
        let method = Method::from_bytes(method.as_bytes())?;
        let mut request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = if body.is_empty() {
            self.agent.run(request.body(())?)
        } else {
            self.agent.run(request.body(body.to_owned())?)
        };
        let mut answer = answer.with_context(|| format!("{method} {path}"))?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.body_mut().read_to_vec()?,
        })
    }

    /// Creates a user; returns its path.
    pub(super) fn create(&self, name: &str) -> Result<String> {
        let answer = self.send("POST", "/v1/users", &[], &user(name))?;
        ensure!(answer.status == 201, "POST /v1/users: {answer:?}");
        let user: Value = serde_json::from_slice(&answer.body)?;
        let id = user["id"].as_str().context("a user without an id")?;
        Ok(format!("/v1/users/{id}"))
    }
}

impl Answer {
    /// A header field; empty if it is absent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A user's document.
pub(super) fn user(name: &str) -> String {
    json!({"email": format!("{name}@proxies.example"), "name": name}).to_string()
}
