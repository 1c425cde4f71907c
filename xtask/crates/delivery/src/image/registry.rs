//! A registry's API (OCI distribution 1.1), as far as pushing and finding images needs it.
//!
//! What is asked for is here; how a request is authorized, redirected and repeated is in `transport`.

mod challenge;
mod transport;

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::http::StatusCode;

use super::assemble::{Blob, Image};
use super::credentials;
use super::reference::Repository;
use transport::{Reply, Transport};
use xtask::failure::{Failure, Kind};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The accepted manifest types: ours, Docker's, and multi-platform indexes.
const ANY_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// A repository of a registry, with credentials.
pub(crate) struct Registry {
    transport: Transport,
    repository: Repository,
}

/// A registry's information about one image.
pub(crate) struct Found {
    pub(crate) digest: String,
    /// The image's labels.
    pub(crate) labels: Value,
}

/// A name for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Names one image for ever: a commit's, a release's.
    Fixed(String),
    /// Follows a branch. A registry whose tags are immutable keeps it where it is, which is not an error.
    Moving(String),
}

impl Tag {
    /// The tag as it is written.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Fixed(name) | Self::Moving(name) => name,
        }
    }
}

impl Registry {
    /// Creates a client for the repository's registry; sends nothing yet.
    pub(crate) fn new(repository: &Repository) -> Result<Self> {
        let credentials = credentials::find(&repository.registry)?;
        Ok(Self {
            transport: Transport::new(repository, credentials),
            repository: repository.clone(),
        })
    }

    /// Uploads what the registry lacks of the image, then gives it every tag. A tag that names it already is left alone.
    ///
    /// # Errors
    /// `Refused`, before anything is uploaded, when a fixed tag names another image.
    pub(crate) fn push(&mut self, image: &Image, tags: &[Tag]) -> Result<()> {
        let digest = super::digest(&image.manifest.bytes);
        let mut missing = Vec::new();
        for tag in tags {
            match (self.digest_of(tag.name())?, tag) {
                (Some(named), _) if named == digest => {}
                (Some(named), Tag::Fixed(name)) => return Err(self.is_taken(name, &named)),
                (named, _) => missing.push((tag, named)),
            }
        }
        if missing.is_empty() && !tags.is_empty() {
            return Ok(());
        }
        for blob in [&image.layer, &image.config] {
            self.push_blob(blob)?;
        }
        for (tag, named) in missing {
            let url = format!("{}/manifests/{}", self.repository.api(), tag.name());
            let reply = self
                .transport
                .send("PUT", &url, MANIFEST, Some(&image.manifest.bytes))?;
            if let Some(named) = named.filter(|_| refuses_to_move(&reply)) {
                printing::eprintln!(
                    "  the registry's tags are immutable: {} still names {named}; deploy finds images by commit",
                    tag.name()
                );
                continue;
            }
            self.expect(reply, StatusCode::CREATED, "accept the manifest")?;
        }
        Ok(())
    }

    /// The image of this tag or digest, if it exists.
    pub(crate) fn find(&mut self, version: &str) -> Result<Option<Found>> {
        let Some(manifest) = self.manifest(version)? else {
            return Ok(None);
        };
        let parsed: Value = serde_json::from_slice(&manifest)?;
        let digest = super::digest(&manifest);
        // An index has no configuration of its own; each of its images has the same labels.
        let Some(config) = parsed["config"]["digest"].as_str() else {
            let labels = self.labels_of_first(&parsed)?;
            return Ok(Some(Found { digest, labels }));
        };
        let url = format!("{}/blobs/{config}", self.repository.api());
        let reply = self.transport.send("GET", &url, "*/*", None)?;
        let config = self.expect(reply, StatusCode::OK, "return the configuration")?;
        let config: Value = serde_json::from_slice(&config)?;
        Ok(Some(Found {
            digest,
            labels: config["config"]["Labels"].clone(),
        }))
    }

    /// The labels of an index's first image of a platform; an attestation names the platform `unknown`.
    fn labels_of_first(&mut self, index: &Value) -> Result<Value> {
        let images = index["manifests"].as_array().into_iter().flatten();
        let digest = images
            .filter(|image| image["platform"]["os"].as_str() != Some("unknown"))
            .find_map(|image| image["digest"].as_str());
        let Some(digest) = digest.map(str::to_owned) else {
            return Ok(Value::Null);
        };
        // An index of indexes does not end up here twice: the digest is that of other bytes.
        Ok(self
            .find(&digest)?
            .map_or(Value::Null, |found| found.labels))
    }

    fn digest_of(&mut self, tag: &str) -> Result<Option<String>> {
        let manifest = self.manifest(tag)?;
        Ok(manifest.map(|manifest| super::digest(&manifest)))
    }

    /// The bytes of the manifest of this tag or digest, if it exists.
    fn manifest(&mut self, version: &str) -> Result<Option<Vec<u8>>> {
        let url = format!("{}/manifests/{version}", self.repository.api());
        let reply = self.transport.send("GET", &url, ANY_MANIFEST, None)?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.expect(reply, StatusCode::OK, "return the manifest")
            .map(Some)
    }

    fn push_blob(&mut self, blob: &Blob) -> Result<()> {
        let api = self.repository.api();
        let url = format!("{api}/blobs/{}", blob.digest);
        let known = self.transport.send("HEAD", &url, "*/*", None)?.status;
        if known == StatusCode::OK {
            return Ok(());
        }
        let begun = self
            .transport
            .send("POST", &format!("{api}/blobs/uploads/"), "", Some(&[]))?;
        let location = begun.header("location");
        self.expect(begun, StatusCode::ACCEPTED, "start an upload")?;
        let location = location.context("the registry started an upload without a Location")?;
        let url = upload_url(&api, &location, &blob.digest);
        let reply =
            self.transport
                .send("PUT", &url, "application/octet-stream", Some(&blob.bytes))?;
        self.expect(reply, StatusCode::CREATED, "accept a layer")?;
        Ok(())
    }

    fn expect(&self, reply: Reply, wanted: StatusCode, deed: &str) -> Result<Vec<u8>> {
        if reply.status == wanted {
            return Ok(reply.body);
        }
        let registry = &self.repository.registry;
        let (kind, next) = match reply.status.as_u16() {
            401 | 403 => (
                Kind::Refused,
                format!(
                    "log in (`docker login {registry}`), or name a repository that you may use: --repository"
                ),
            ),
            _ if refuses_to_move(&reply) => (
                Kind::Refused,
                "build and push another commit, or delete the tag by the registry's own means"
                    .to_owned(),
            ),
            400..=499 => (
                Kind::Refused,
                "fix what the registry reports, then push again".to_owned(),
            ),
            _ => (
                Kind::Unreachable,
                "try again; the registry's log has details".to_owned(),
            ),
        };
        Err(Failure::new(
            kind,
            format!("{registry} did not {deed} of {}", self.repository),
            reply.summary(),
            next,
        )
        .into())
    }

    fn is_taken(&self, tag: &str, named: &str) -> anyhow::Error {
        let mut why = format!("it names {named}, and a tag of a commit or release names one image");
        let _ = write!(why, " for ever; nothing was pushed");
        Failure::new(
            Kind::Refused,
            format!("{} is already taken", self.repository.at(tag)),
            why,
            "deploy that image, or build and push another commit",
        )
        .into()
    }
}

/// Whether a registry refuses to move a tag: Artifact Registry, ECR, Harbor and Docker Hub word and number it differently.
fn refuses_to_move(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.body).to_lowercase();
    matches!(reply.status.as_u16(), 400 | 403 | 405 | 409 | 412)
        && [
            "immutab",
            "tag_invalid",
            "cannot be overwritten",
            "already exists",
        ]
        .iter()
        .any(|word| text.contains(word))
}

/// The URL to continue the upload: the location may be relative and may already have a query.
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

#[cfg(test)]
mod tests;
