//! Image references: registry, repository, tag and digest.
//!
//! A name without a registry belongs to Docker Hub. This module does not access a registry.

use std::fmt;

use anyhow::Result;

use xtask::failure::{Failure, Kind};

const DOCKER_HUB: &str = "docker.io";

/// A repository: `docker.io/roster/roster`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Host and port of the registry, as written: `docker.io`, `127.0.0.1:5000`.
    pub registry: String,
    /// Path within it: `roster/roster`.
    pub path: String,
}

/// One image of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub repository: Repository,
    /// A tag, or a digest if it starts with `sha256:`.
    pub version: String,
}

impl Repository {
    /// Parses a repository's name; a tag or digest is an error.
    pub fn parse(text: &str) -> Result<Self> {
        let (registry, path) = match text.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest.to_owned())
            }
            Some(_) => (DOCKER_HUB, text.to_owned()),
            None => (DOCKER_HUB, format!("library/{text}")),
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        if path.is_empty() || !path.chars().all(plain) || path.contains("//") {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{text}` is not a valid image repository"),
                "a repository is a registry and a path in lower case, without tag or digest",
                "write it as docker.io/roster/roster or 127.0.0.1:5000/roster/roster",
            )
            .into());
        }
        Ok(Self {
            registry: registry.to_owned(),
            path,
        })
    }

    /// The URL of the registry's API. Plain HTTP only on loopback.
    pub fn api(&self) -> String {
        let host = match self.registry.as_str() {
            DOCKER_HUB => "registry-1.docker.io",
            other => other,
        };
        let name = host.split(':').next().unwrap_or(host);
        let scheme = if matches!(name, "localhost" | "127.0.0.1") {
            "http"
        } else {
            "https"
        };
        format!("{scheme}://{host}/v2/{}", self.path)
    }

    /// One image of this repository.
    pub fn at(&self, version: impl Into<String>) -> Reference {
        Reference {
            repository: self.clone(),
            version: version.into(),
        }
    }
}

impl Reference {
    /// Parses `repository:tag` or `repository@sha256:…`.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some((name, digest)) = text.split_once('@') {
            let hex = digest.strip_prefix("sha256:").unwrap_or("");
            if hex.len() != 64 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
                return Err(Failure::new(
                    Kind::Usage,
                    format!("`{text}` has a malformed digest"),
                    "a digest is `sha256:` and 64 hexadecimal digits",
                    "use the reference in target/image.json, written by `cargo xtask image push`",
                )
                .into());
            }
            // `name:tag@digest` is common; the digest takes precedence.
            let name = match name.rsplit_once(':') {
                Some((before, tag)) if !tag.contains('/') => before,
                _ => name,
            };
            return Ok(Repository::parse(name)?.at(digest));
        }
        match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => Ok(Repository::parse(name)?.at(tag)),
            _ => Ok(Repository::parse(text)?.at("latest")),
        }
    }

    /// Whether it is a digest, which cannot move.
    pub fn is_digest(&self) -> bool {
        self.version.starts_with("sha256:")
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.is_digest() { '@' } else { ':' };
        write!(f, "{}{separator}{}", self.repository, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, Repository};

    #[test]
    fn a_name_without_a_registry_belongs_to_docker_hub() {
        let repository = Repository::parse("roster/roster").expect("is a repository");
        assert_eq!(repository.to_string(), "docker.io/roster/roster");
        assert_eq!(
            repository.api(),
            "https://registry-1.docker.io/v2/roster/roster"
        );
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        let local = Repository::parse("127.0.0.1:5000/roster").expect("is a repository");
        assert_eq!(local.api(), "http://127.0.0.1:5000/v2/roster");
        let remote = Repository::parse("registry.example:5000/roster").expect("is a repository");
        assert!(remote.api().starts_with("https://"));
    }

    #[test]
    fn the_digest_wins_over_the_tag() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!("localhost:5000/roster:1@{digest}");
        let image = Reference::parse(&text).expect("is a reference");
        assert!(image.is_digest());
        assert_eq!(image.to_string(), format!("localhost:5000/roster@{digest}"));
    }

    #[test]
    fn a_short_digest_is_refused() {
        assert!(Reference::parse("roster@sha256:abc").is_err());
    }
}
