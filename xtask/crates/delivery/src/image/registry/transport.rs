//! One request to a registry: authorized as it asks, redirected where it points, repeated when it is busy.
//!
//! Must not know images or tags.

use std::io::Read as _;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode};

use super::challenge::{self, Challenge};
use crate::image::credentials::Credentials;
use crate::image::reference::Repository;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

const LARGEST_REPLY: u64 = 4 << 20;
/// Long enough for a layer on a slow connection.
const CALL_TIMEOUT: Duration = Duration::from_mins(5);
/// How often a busy registry is asked.
const ATTEMPTS: u32 = 4;
/// The longest pause that a registry may ask for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What a registry answered.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    /// Status and beginning of the body, for an error message.
    pub(super) fn summary(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.trim().chars().take(500).collect();
        format!("it answered {}: {text}", self.status)
    }
}

/// Sends requests to one registry.
pub(super) struct Transport {
    agent: Agent,
    registry: String,
    credentials: Option<Credentials>,
    /// The `Authorization` that was accepted last.
    authorization: Option<String>,
}

impl Transport {
    pub(super) fn new(repository: &Repository, credentials: Option<Credentials>) -> Self {
        Self {
            agent: http_client::agent(CALL_TIMEOUT),
            registry: repository.registry.clone(),
            credentials,
            authorization: None,
        }
    }

    /// Sends; again with the authorization that the registry asks for, and again when it is busy (429, 503).
    pub(super) fn send(
        &mut self,
        method: &str,
        url: &str,
        media_type: &str,
        body: Option<&[u8]>,
    ) -> Result<Reply> {
        let mut was_asked = false;
        let mut attempt = 1;
        loop {
            let reply = self.send_once(method, url, media_type, body)?;
            match reply.status.as_u16() {
                401 if !was_asked => {
                    was_asked = true;
                    let fields = reply.headers.get_all("www-authenticate").iter();
                    let fields = fields.filter_map(|value| value.to_str().ok());
                    self.authorization = self.authorize(challenge::choose(fields))?;
                }
                429 | 503 if attempt < ATTEMPTS => {
                    let asked = reply.header("retry-after");
                    let pause = pause(asked.as_deref(), attempt, SystemTime::now());
                    printing::eprintln!(
                        "  {} is busy ({}); trying again in {} s",
                        self.registry,
                        reply.status,
                        pause.as_secs()
                    );
                    attempt += 1;
                    wait(pause)?;
                }
                _ => return Ok(reply),
            }
        }
    }

    fn send_once(
        &self,
        method: &str,
        url: &str,
        media_type: &str,
        body: Option<&[u8]>,
    ) -> Result<Reply> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if !media_type.is_empty() {
            let header = if body.is_some() {
                "content-type"
            } else {
                "accept"
            };
            request = request.header(header, media_type);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let sent = match body {
            Some(bytes) => self.agent.run(request.body(bytes)?),
            None => self.agent.run(request.body(())?),
        };
        let mut response = sent.map_err(|error| self.unreachable(url, &error))?;
        let mut read = Vec::new();
        let reader = response.body_mut().as_reader();
        reader.take(LARGEST_REPLY).read_to_end(&mut read)?;
        Ok(Reply {
            status: response.status(),
            headers: response.headers().clone(),
            body: read,
        })
    }

    /// The `Authorization` that answers a challenge.
    fn authorize(&self, challenge: Option<Challenge>) -> Result<Option<String>> {
        let Some(Challenge::Bearer {
            realm,
            service,
            scopes,
        }) = challenge
        else {
            return Ok(self.basic());
        };
        let parameters = service.iter().map(|service| ("service", service.as_str()));
        let answered = if let Some(Credentials::IdentityToken(token)) = &self.credentials {
            // An identity token is a refresh token of the registry's OAuth 2.0 endpoint.
            let scope = scopes.join(" ");
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", "roster-xtask"),
                ("refresh_token", token.as_str()),
                ("scope", scope.as_str()),
            ];
            self.agent
                .post(&realm)
                .send_form(form.into_iter().chain(parameters))
        } else {
            let mut request = self.agent.get(&realm);
            for (name, value) in
                parameters.chain(scopes.iter().map(|scope| ("scope", scope.as_str())))
            {
                request = request.query(name, value);
            }
            if let Some(basic) = self.basic() {
                request = request.header("authorization", basic);
            }
            request.call()
        };
        let mut answer = answered.map_err(|error| self.unreachable(&realm, &error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Failure::new(
                if status.is_server_error() {
                    Kind::Unreachable
                } else {
                    Kind::Refused
                },
                format!("{} gave no token", self.registry),
                format!("{realm} answered {status}"),
                format!("log in again: docker login {}", self.registry),
            )
            .into());
        }
        let token: Value = answer
            .body_mut()
            .read_json()
            .with_context(|| format!("{realm} answered no JSON"))?;
        let token = token["token"].as_str().or(token["access_token"].as_str());
        Ok(token.map(|token| format!("Bearer {token}")))
    }

    fn basic(&self) -> Option<String> {
        match &self.credentials {
            Some(Credentials::Password { user, secret }) => {
                let pair = STANDARD.encode(format!("{user}:{secret}"));
                Some(format!("Basic {pair}"))
            }
            _ => None,
        }
    }

    fn unreachable(&self, url: &str, error: &ureq::Error) -> anyhow::Error {
        Failure::new(
            Kind::Unreachable,
            format!("the registry {} does not respond", self.registry),
            http_client::describe(url, error),
            "check the network, the proxy variables and the repository's name (ROSTER_IMAGE_REPOSITORY or --repository)",
        )
        .into()
    }
}

/// Waits, unless Ctrl-C is pressed.
fn wait(pause: Duration) -> Result<()> {
    let ends = Instant::now() + pause;
    while let Some(left) = ends.checked_duration_since(Instant::now()) {
        interrupt::check()?;
        std::thread::sleep(left.min(Duration::from_millis(200)));
    }
    Ok(())
}

/// How long to wait: as `Retry-After` asks (RFC 9110, section 10.2.3: seconds or a date), else twice as long each time.
fn pause(asked: Option<&str>, attempt: u32, now: SystemTime) -> Duration {
    let asked = asked.and_then(|text| match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text)
            .ok()
            .map(|date| date.duration_since(now).unwrap_or_default()),
    });
    asked
        .unwrap_or_else(|| Duration::from_secs(1 << attempt))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_PAUSE, pause};
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_busy_registry_says_how_long_to_wait() {
        let now = SystemTime::now();
        let seconds = Duration::from_secs;
        let later = httpdate::fmt_http_date(now + seconds(20));
        assert_eq!(pause(Some("7"), 1, now), seconds(7));
        assert!((seconds(18)..=seconds(20)).contains(&pause(Some(&later), 1, now)));
        assert_eq!(
            pause(Some("Mon, 01 Jan 2024 00:00:00 GMT"), 1, now),
            seconds(0)
        );
        assert_eq!(pause(Some("86400"), 1, now), LONGEST_PAUSE);
        assert_eq!(pause(None, 1, now), seconds(2));
        assert_eq!(pause(Some("soon"), 3, now), seconds(8));
    }
}
