//! A registry's API (OCI distribution), as far as pushing and finding images needs it.
//!
//! Written on an HTTP client instead of a library: five calls, and no second asynchronous stack in xtask.

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use super::assemble::{Blob, Image};
use super::credentials::{self, Credentials};
use super::reference::Repository;
use xtask::failure::{Failure, Kind};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What an image may be when it is found: ours, one that Docker pushed, or one for several platforms.
const ANY_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";
const LARGEST_ANSWER: u64 = 4 << 20;
/// Long enough for a layer on a slow line.
const CALL_TIMEOUT: Duration = Duration::from_mins(5);

/// A repository of a registry, and who we are to it.
pub(crate) struct Registry {
    agent: Agent,
    repository: Repository,
    credentials: Option<Credentials>,
    /// The `Authorization` header that was accepted last.
    authorization: Option<String>,
}

/// What a registry says of one image.
pub(crate) struct Found {
    pub(crate) digest: String,
    /// The image's labels.
    pub(crate) labels: Value,
}

impl Registry {
    /// Prepares to speak to the repository's registry; nothing is sent yet.
    pub(crate) fn new(repository: &Repository) -> Result<Self> {
        Ok(Self {
            agent: http_client::agent(CALL_TIMEOUT),
            repository: repository.clone(),
            credentials: credentials::find(&repository.registry)?,
            authorization: None,
        })
    }

    /// Uploads what the registry lacks of the image, then names it by every tag.
    pub(crate) fn push(&mut self, image: &Image, tags: &[String]) -> Result<()> {
        for blob in [&image.layer, &image.config] {
            self.push_blob(blob)?;
        }
        for tag in tags {
            let url = format!("{}/manifests/{tag}", self.repository.api());
            let answer = self.send("PUT", &url, MANIFEST, Some(&image.manifest.bytes))?;
            self.expect(answer, StatusCode::CREATED, "take the manifest")?;
        }
        Ok(())
    }

    /// The image of this tag or digest, when there is one.
    pub(crate) fn find(&mut self, version: &str) -> Result<Option<Found>> {
        let url = format!("{}/manifests/{version}", self.repository.api());
        let answer = self.send("GET", &url, ANY_MANIFEST, None)?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let manifest = self.expect(answer, StatusCode::OK, "give the manifest")?;
        let parsed: Value = serde_json::from_slice(&manifest)?;
        let digest = super::digest(&manifest);
        // An index has no configuration of its own, and so no labels.
        let Some(config) = parsed["config"]["digest"].as_str() else {
            return Ok(Some(Found {
                digest,
                labels: Value::Null,
            }));
        };
        let url = format!("{}/blobs/{config}", self.repository.api());
        let answer = self.send("GET", &url, "*/*", None)?;
        let config = self.expect(answer, StatusCode::OK, "give the configuration")?;
        let config: Value = serde_json::from_slice(&config)?;
        Ok(Some(Found {
            digest,
            labels: config["config"]["Labels"].clone(),
        }))
    }

    fn push_blob(&mut self, blob: &Blob) -> Result<()> {
        let api = self.repository.api();
        let url = format!("{api}/blobs/{}", blob.digest);
        if self.send("HEAD", &url, "*/*", None)?.status() == StatusCode::OK {
            return Ok(());
        }
        let begun = self.send("POST", &format!("{api}/blobs/uploads/"), "", Some(&[]))?;
        let location = begun
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        self.expect(begun, StatusCode::ACCEPTED, "begin an upload")?;
        let location = location.context("the registry began an upload without a Location")?;
        let url = upload_url(&api, &location, &blob.digest);
        let answer = self.send("PUT", &url, "application/octet-stream", Some(&blob.bytes))?;
        self.expect(answer, StatusCode::CREATED, "take a layer")?;
        Ok(())
    }

    /// Sends once, and once more with the token that the registry asked for.
    fn send(
        &mut self,
        method: &str,
        url: &str,
        media_type: &str,
        body: Option<&[u8]>,
    ) -> Result<Response<ureq::Body>> {
        let answer = self.send_once(method, url, media_type, body)?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let challenge = answer
            .headers()
            .get("www-authenticate")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        self.authorization = self.answer_challenge(&challenge)?;
        self.send_once(method, url, media_type, body)
    }

    fn send_once(
        &self,
        method: &str,
        url: &str,
        media_type: &str,
        body: Option<&[u8]>,
    ) -> Result<Response<ureq::Body>> {
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
        sent.map_err(|error| self.unreachable(&error))
    }

    /// The `Authorization` that answers this `WWW-Authenticate`.
    fn answer_challenge(&self, challenge: &str) -> Result<Option<String>> {
        let basic = self.credentials.as_ref().map(|credentials| {
            use base64::Engine as _;
            let pair = format!("{}:{}", credentials.user, credentials.secret);
            format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(pair)
            )
        });
        let Some(parameters) = challenge.strip_prefix("Bearer ") else {
            return Ok(basic);
        };
        let realm = parameter(parameters, "realm").context("the registry named no realm")?;
        let mut request = self.agent.get(&realm);
        for name in ["service", "scope"] {
            if let Some(value) = parameter(parameters, name) {
                request = request.query(name, value);
            }
        }
        if let Some(basic) = basic {
            request = request.header("authorization", basic);
        }
        let mut answer = request.call().map_err(|error| self.unreachable(&error))?;
        let token: Value = answer.body_mut().read_json()?;
        let token = token["token"].as_str().or(token["access_token"].as_str());
        Ok(token.map(|token| format!("Bearer {token}")))
    }

    fn expect(
        &self,
        mut answer: Response<ureq::Body>,
        wanted: StatusCode,
        deed: &str,
    ) -> Result<Vec<u8>> {
        let status = answer.status();
        let mut body = Vec::new();
        answer
            .body_mut()
            .as_reader()
            .take(LARGEST_ANSWER)
            .read_to_end(&mut body)?;
        if status == wanted {
            return Ok(body);
        }
        let registry = &self.repository.registry;
        let (kind, next) = if matches!(status.as_u16(), 401 | 403) {
            (
                Kind::Refused,
                format!(
                    "log in (`docker login {registry}`), or name a repository that is yours: --repository"
                ),
            )
        } else {
            (
                Kind::Unreachable,
                "try again; the registry's own log says more".to_owned(),
            )
        };
        Err(Failure::new(
            kind,
            format!("{registry} did not {deed} of {}", self.repository),
            format!(
                "it answered {status}: {}",
                String::from_utf8_lossy(&body).trim()
            ),
            next,
        )
        .into())
    }

    fn unreachable(&self, error: &ureq::Error) -> anyhow::Error {
        Failure::new(
            Kind::Unreachable,
            format!("the registry {} does not answer", self.repository.registry),
            error.to_string(),
            "check the network and the repository's name (ROSTER_IMAGE_REPOSITORY or --repository)",
        )
        .into()
    }
}

/// Where the upload goes on: the location may be relative, and may have a query already.
fn upload_url(api: &str, location: &str, digest: &str) -> String {
    let host_end = api.find("/v2/").unwrap_or(api.len());
    let base = if location.starts_with('/') {
        &api[..host_end]
    } else {
        ""
    };
    let separator = if location.contains('?') { '&' } else { '?' };
    format!("{base}{location}{separator}digest={digest}")
}

/// The value of `name="value"` in a challenge.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let start = parameters.find(&format!("{name}=\""))? + name.len() + 2;
    let rest = &parameters[start..];
    Some(rest[..rest.find('"')?].to_owned())
}

#[cfg(test)]
mod tests {
    use super::{parameter, upload_url};

    #[test]
    fn a_challenge_is_taken_apart() {
        let challenge = r#"realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push""#;
        assert_eq!(
            parameter(challenge, "realm").as_deref(),
            Some("https://auth.example/token")
        );
        assert_eq!(
            parameter(challenge, "scope").as_deref(),
            Some("repository:a/b:pull,push")
        );
        assert_eq!(parameter(challenge, "error"), None);
    }

    #[test]
    fn an_upload_goes_on_where_the_registry_says() {
        let api = "http://localhost:5000/v2/roster";
        assert_eq!(
            upload_url(api, "/v2/roster/blobs/uploads/1?state=x", "sha256:a"),
            "http://localhost:5000/v2/roster/blobs/uploads/1?state=x&digest=sha256:a"
        );
        assert_eq!(
            upload_url(api, "https://other/1", "sha256:a"),
            "https://other/1?digest=sha256:a"
        );
    }
}
