//! SonarQube's Web API: queries and changes, with retries up to a limit, and distinct failures for a server that is
//! unreachable, slow, or rejects the token.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use ureq::http::StatusCode;

use xtask::failure::{Failure, Kind};
use xtask::secrets;

/// Timeout of one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A server and a token.
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
    token_name: &'static str,
    wait_limit: Duration,
    first_pause: Duration,
}

/// Why a call failed.
enum Trouble {
    /// Retryable.
    Away(String),
    Slow,
    Busy(StatusCode),
    /// Not retryable.
    Final(Failure),
}

impl Client {
    /// A client with the token of this variable.
    pub(crate) fn new(base: &str, token_name: &'static str, wait_limit: Duration) -> Result<Self> {
        let token = secrets::variable(token_name).ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("{token_name} is not set"),
                "SonarQube requires a token",
                format!("create one at {base}/account/security and set {token_name}"),
            )
        })?;
        Ok(Self::with_token(
            base,
            token_name,
            token,
            wait_limit,
            CALL_TIMEOUT,
        ))
    }

    fn with_token(
        base: &str,
        token_name: &'static str,
        token: String,
        wait_limit: Duration,
        call: Duration,
    ) -> Self {
        Self {
            agent: http_client::agent(call),
            base: base.trim_end_matches('/').to_owned(),
            token,
            token_name,
            wait_limit,
            first_pause: Duration::from_secs(1).min(call),
        }
    }

    /// The server's address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The time limit of this client.
    pub(crate) fn wait_limit(&self) -> Duration {
        self.wait_limit
    }

    /// Queries; `None` if the resource does not exist.
    pub(crate) fn find(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Value>> {
        let call = || {
            self.agent
                .get(format!("{}/{path}", self.base))
                .query_pairs(query.iter().copied())
        };
        let answer = self.repeat(path, true, || {
            call()
                .header("authorization", format!("Bearer {}", self.token))
                .call()
        })?;
        Ok(answer)
    }

    /// Queries a resource that must exist.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        self.find(path, query)?.ok_or_else(|| {
            let why = format!("{path} returned 404 for {query:?}");
            let next = "run `cargo xtask sonar apply`, which creates the project; then `cargo xtask sonar scan`";
            Failure::new(Kind::Check, "SonarQube does not have the requested resource", why, next).into()
        })
    }

    /// Changes something. Repeated only if it certainly did not arrive.
    pub(crate) fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value> {
        let url = format!("{}/{path}", self.base);
        let send = || {
            let request = self
                .agent
                .post(&url)
                .header("authorization", format!("Bearer {}", self.token));
            request.send_form(form.iter().copied())
        };
        Ok(self.repeat(path, false, send)?.unwrap_or(Value::Null))
    }

    fn repeat(
        &self,
        path: &str,
        idempotent: bool,
        call: impl Fn() -> Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Option<Value>> {
        let begun = Instant::now();
        let mut pause = self.first_pause;
        loop {
            let trouble = match call() {
                Ok(response) => match self.read(path, response) {
                    Ok(answer) => return Ok(answer),
                    Err(trouble) => trouble,
                },
                Err(ureq::Error::Timeout(_)) => Trouble::Slow,
                Err(error) => self.away(&error),
            };
            let again = matches!(trouble, Trouble::Away(_))
                || idempotent && !matches!(trouble, Trouble::Final(_));
            if !again || begun.elapsed() + pause > self.wait_limit {
                return Err(self.failure(path, trouble).into());
            }
            if pause == self.first_pause {
                printing::eprintln!(
                    "SonarQube does not respond yet; retrying for up to {} s",
                    self.wait_limit.as_secs()
                );
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn read(
        &self,
        path: &str,
        response: ureq::http::Response<ureq::Body>,
    ) -> Result<Option<Value>, Trouble> {
        let status = response.status();
        let body = match response.into_body().read_to_string() {
            Ok(body) => body,
            Err(ureq::Error::Timeout(_)) => return Err(Trouble::Slow),
            Err(error) => return Err(self.away(&error)),
        };
        let said = serde_json::from_str::<Value>(&body)
            .ok()
            .and_then(|answer| Some(answer.pointer("/errors/0/msg")?.as_str()?.to_owned()))
            .unwrap_or_else(|| body.chars().take(200).collect());
        let token = self.token_name;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => Err(Trouble::Final(Failure::new(
                Kind::Usage,
                "SonarQube does not accept the token (401)",
                format!("{token} is wrong, revoked or expired"),
                format!(
                    "create a new one at {}/account/security and set {token}",
                    self.base
                ),
            ))),
            StatusCode::FORBIDDEN => Err(Trouble::Final(Failure::new(
                Kind::Usage,
                "the token lacks a permission (403)",
                format!("{path}: {said}"),
                format!("grant the permission to the owner of {token}, or use another token"),
            ))),
            status if status.is_success() && body.is_empty() => Ok(Some(Value::Null)),
            status if status.is_success() => {
                serde_json::from_str(&body).map(Some).map_err(|error| {
                    let why = format!("{path}: {error}");
                    let next = format!("check whether {} is a SonarQube server", self.base);
                    Trouble::Final(Failure::new(
                        Kind::Unreachable,
                        "the server is not a SonarQube server",
                        why,
                        next,
                    ))
                })
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(Trouble::Busy(status))
            }
            status => Err(Trouble::Final(Failure::new(
                Kind::Check,
                format!("SonarQube rejected {path} ({status})"),
                said,
                "fix what it reports; the server's Web API pages describe every call",
            ))),
        }
    }

    fn away(&self, error: &ureq::Error) -> Trouble {
        Trouble::Away(http_client::describe(&self.base, error))
    }

    fn failure(&self, path: &str, trouble: Trouble) -> Failure {
        let limit = self.wait_limit.as_secs();
        let base = &self.base;
        match trouble {
            Trouble::Final(failure) => failure,
            Trouble::Away(why) => Failure::new(
                Kind::Unreachable,
                format!("SonarQube is unreachable: {base} could not be reached for {limit} s"),
                why,
                "start the server, or correct SONAR_HOST_URL or the proxy variables; --wait-limit-s waits longer",
            ),
            Trouble::Slow => Failure::new(
                Kind::Unreachable,
                format!("SonarQube is slow: {base} did not respond in time for {limit} s"),
                http_client::through_proxy(base, &format!("{path} got no response")),
                "check the server's load; --wait-limit-s waits longer",
            ),
            Trouble::Busy(status) => Failure::new(
                Kind::Unreachable,
                format!("SonarQube is not ready: {base} returned {status} for {limit} s"),
                format!("request: {path}"),
                "check the server's log (it may be starting); --wait-limit-s waits longer",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
