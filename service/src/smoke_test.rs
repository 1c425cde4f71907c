//! Exercises a running service as a client would: token, create, read, delete.
//!
//! `helm test` runs it in the cluster with the image's own binary, so it needs nothing but sockets. It speaks
//! HTTP/1.0, in which a body ends where the connection does, and knows nothing of the service's own types.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use rustls::RootCertStore;
use serde_json::{Value, json};

use crate::wire::{Wire, authorities};

const TIMEOUT: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: u64 = 1 << 20;

/// The service's address, and our credentials.
#[derive(Debug, clap::Args)]
pub struct SmokeTestArgs {
    /// Address of the API, such as `http://roster.roster.svc`.
    #[arg(long, value_name = "URL")]
    url: Uri,
    /// CA certificate of the service's certificate (PEM); required for https.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// File with the id of a client with all scopes; omit if authentication is disabled.
    #[arg(long, value_name = "FILE", requires = "client_secret_file")]
    client_id_file: Option<PathBuf>,
    /// File with that client's secret.
    #[arg(long, value_name = "FILE", requires = "client_id_file")]
    client_secret_file: Option<PathBuf>,
}

/// The error and its step.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {why}")]
pub struct SmokeTestError {
    step: &'static str,
    why: String,
}

struct ReceivedResponse {
    status: u16,
    body: String,
}

struct SmokeTestClient<'a> {
    args: &'a SmokeTestArgs,
    authorization: Option<String>,
}

/// Creates, reads and deletes one user. Leaves nothing behind, even if it fails half-way.
pub fn run(args: &SmokeTestArgs) -> Result<(), SmokeTestError> {
    let mut client = SmokeTestClient {
        args,
        authorization: None,
    };
    client.log_in()?;
    let email = format!("smoke-test-{}@example.com", uuid::Uuid::now_v7());
    let user = json!({"email": email, "name": "Smoke Test"});
    let created = client.call("create", "POST", "/v1/users", &user.to_string(), 201)?;
    let path = format!("/v1/users/{}", text(&created, "id", "create")?);
    let read = client.read_back(&path, &email);
    let deleted = client.call("delete", "DELETE", &path, "", 204);
    read?;
    deleted?;
    client.call("read after delete", "GET", &path, "", 404)?;
    Ok(())
}

impl SmokeTestClient<'_> {
    fn log_in(&mut self) -> Result<(), SmokeTestError> {
        let (Some(id), Some(secret)) = (&self.args.client_id_file, &self.args.client_secret_file)
        else {
            return Ok(());
        };
        let step = "token";
        let file = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| failed(step, format!("{}: {error}", path.display())))
        };
        let pair = format!("{}:{}", file(id)?, file(secret)?);
        self.authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
        let form = "grant_type=client_credentials";
        let token = self.call(step, "POST", "/oauth/token", form, 200)?;
        self.authorization = Some(format!("Bearer {}", text(&token, "access_token", step)?));
        Ok(())
    }

    fn read_back(&self, path: &str, email: &str) -> Result<(), SmokeTestError> {
        let read = self.call("read", "GET", path, "", 200)?;
        if text(&read, "email", "read")? == email {
            return Ok(());
        }
        Err(failed("read", "the user differs from the one created"))
    }

    /// Sends one request; a response with another status is an error.
    fn call(
        &self,
        step: &'static str,
        method: &str,
        path: &str,
        body: &str,
        wanted: u16,
    ) -> Result<Value, SmokeTestError> {
        let answer = self
            .exchange(method, path, body)
            .map_err(|error| failed(step, format!("{method} {path}: {error}")))?;
        if answer.status != wanted {
            let ReceivedResponse { status, body } = answer;
            let why = format!("{method} {path} got {status} instead of {wanted}: {body}");
            return Err(failed(step, why));
        }
        Ok(serde_json::from_str(&answer.body).unwrap_or_default())
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> io::Result<ReceivedResponse> {
        let host = self.args.url.host().unwrap_or_default();
        let media_type = if body.starts_with('{') {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let mut request =
            format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\naccept: application/json\r\n");
        if let Some(authorization) = &self.authorization {
            let _ = write!(request, "authorization: {authorization}\r\n");
        }
        if !body.is_empty() {
            let length = body.len();
            let _ = write!(
                request,
                "content-type: {media_type}\r\ncontent-length: {length}\r\n"
            );
        }
        request.push_str("\r\n");
        request.push_str(body);
        let trusted = || match &self.args.ca_file {
            Some(file) => authorities(file),
            None => Ok(RootCertStore::empty()),
        };
        talk(Wire::connect(&self.args.url, TIMEOUT, trusted)?, &request)
    }
}

fn talk(mut stream: impl Read + Write, request: &str) -> io::Result<ReceivedResponse> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    // A peer that closes without a TLS close_notify has still sent the full content-length.
    if let Err(error) = stream.take(LARGEST_ANSWER).read_to_end(&mut answer)
        && error.kind() != io::ErrorKind::UnexpectedEof
    {
        return Err(error);
    }
    parse(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::other("the response is not HTTP"))
}

fn parse(answer: &str) -> Option<ReceivedResponse> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some(ReceivedResponse {
        status,
        body: body.to_owned(),
    })
}

fn text(value: &Value, name: &str, step: &'static str) -> Result<String, SmokeTestError> {
    value[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| failed(step, format!("the response has no `{name}`")))
}

fn failed(step: &'static str, why: impl Into<String>) -> SmokeTestError {
    SmokeTestError {
        step,
        why: why.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::{SmokeTestArgs, run};

    /// Sends the next of these responses on each connection.
    fn serve(answers: &'static [&'static str]) -> SmokeTestArgs {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let url = format!("http://{}", listener.local_addr().expect("is bound"));
        std::thread::spawn(move || {
            for answer in answers {
                let (mut socket, _) = listener.accept().expect("accepts");
                let _ = socket.read(&mut [0; 4096]);
                let _ = socket.write_all(answer.as_bytes());
            }
        });
        SmokeTestArgs {
            url: url.parse().expect("is a URL"),
            ca_file: None,
            client_id_file: None,
            client_secret_file: None,
        }
    }

    #[test]
    fn a_service_that_answers_503_fails() {
        let args = serve(&["HTTP/1.0 503 Service Unavailable\r\n\r\n{\"title\":\"away\"}"]);
        let error = run(&args).expect_err("must not pass").to_string();
        assert!(
            error.starts_with("create: ") && error.contains("503"),
            "{error}"
        );
    }

    #[test]
    fn a_user_that_comes_back_changed_fails_and_is_deleted_all_the_same() {
        let args = serve(&[
            "HTTP/1.0 201 Created\r\n\r\n{\"id\":\"1\"}",
            "HTTP/1.0 200 OK\r\n\r\n{\"id\":\"1\",\"email\":\"other@example.com\"}",
            "HTTP/1.0 204 No Content\r\n\r\n",
        ]);
        let error = run(&args).expect_err("must not pass").to_string();
        assert_eq!(error, "read: the user differs from the one created");
    }

    #[test]
    fn nobody_listening_fails() {
        let mut args = serve(&[]);
        args.url = "http://127.0.0.1:1".parse().expect("is a URL");
        assert!(run(&args).is_err());
    }
}
