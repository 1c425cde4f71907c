//! Who we are to a registry, from Docker's own configuration, which `docker login` or a pipeline's task wrote.
//!
//! Reading an entry, and calling a credential helper, is `docker_credential`'s; which entry is meant is decided here.
//! Nothing is stored, and nothing is printed.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde_json::Value;

/// What a registry knows us by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// A name and its password, or an access token in its place.
    Password { user: String, secret: String },
    /// A refresh token, which some registries give to `docker login`.
    IdentityToken(String),
}

/// The credentials for this registry, if Docker's configuration has any.
pub(crate) fn find(registry: &str) -> Result<Option<Credentials>> {
    let path = config_path();
    if path.exists() {
        find_in(&path, registry)
    } else {
        Ok(None)
    }
}

fn find_in(path: &Path, registry: &str) -> Result<Option<Credentials>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let config: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not valid JSON", path.display()))?;
    let found = docker_credential::get_credential_from_reader(
        File::open(path).with_context(|| format!("cannot read {}", path.display()))?,
        &entry_of(&config, registry),
    );
    match found {
        Ok(DockerCredential::UsernamePassword(user, secret)) if user == "<token>" => {
            Ok(Some(Credentials::IdentityToken(secret)))
        }
        Ok(DockerCredential::UsernamePassword(user, secret)) => {
            Ok(Some(Credentials::Password { user, secret }))
        }
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Credentials::IdentityToken(token))),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        // What every helper answers for a registry that it does not know.
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.contains("credentials not found") =>
        {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| {
            format!(
                "cannot read the credentials of {registry} that {} names",
                path.display()
            )
        }),
    }
}

fn config_path() -> PathBuf {
    std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker")))
        .unwrap_or_default()
        .join("config.json")
}

/// The key under which the registry stands: as it is named, or with a scheme or a path, as older clients wrote it.
/// Helpers for one registry come before stored secrets, as Docker has it.
fn entry_of(config: &Value, registry: &str) -> String {
    let usual = if is_docker_hub(registry) {
        "https://index.docker.io/v1/"
    } else {
        registry
    };
    let keys = ["credHelpers", "auths"]
        .into_iter()
        .filter_map(|member| config[member].as_object())
        .flat_map(|entries| entries.keys());
    let meant = keys.filter(|key| host_of(key) == host_of(registry));
    let (exact, other): (Vec<_>, Vec<_>) = meant.partition(|key| *key == usual || *key == registry);
    let chosen = exact.first().or(other.first());
    chosen.map_or_else(|| usual.to_owned(), ToString::to_string)
}

fn is_docker_hub(host: &str) -> bool {
    matches!(
        host,
        "docker.io" | "index.docker.io" | "registry-1.docker.io"
    )
}

/// Host and port of a key; Docker Hub has several names.
fn host_of(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let host = key.split('/').next().unwrap_or(key);
    if is_docker_hub(host) {
        "docker.io"
    } else {
        host
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, find_in};
    use std::fs;

    fn found(config: &str, registry: &str) -> Option<Credentials> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        fs::write(&path, config).expect("is written");
        find_in(&path, registry).expect("can be read")
    }

    fn password(user: &str, secret: &str) -> Credentials {
        Credentials::Password {
            user: user.into(),
            secret: secret.into(),
        }
    }

    #[test]
    fn an_entry_is_found_in_every_form_that_docker_reads() {
        let ada = Some(password("ada", "a:b"));
        for config in [
            r#"{"auths": {"registry.example": {"auth": "YWRhOmE6Yg=="}}}"#,
            r#"{"auths": {"https://registry.example": {"auth": "YWRhOmE6Yg"}}}"#,
            r#"{"auths": {"https://registry.example/v2/": {"auth": "YWRhOmE6Yg=="}}}"#,
            r#"{"auths": {"registry.example": {"username": "ada", "password": "a:b"}}}"#,
            r#"{"auths": {"other.example": {"auth": "eDp5"}, "http://registry.example/roster": {"auth": "YWRhOmE6Yg=="}}}"#,
        ] {
            assert_eq!(found(config, "registry.example"), ada, "{config}");
        }
        let token =
            r#"{"auths": {"registry.example": {"auth": "YWRhOg==", "identitytoken": "refresh"}}}"#;
        assert_eq!(
            found(token, "registry.example"),
            Some(Credentials::IdentityToken("refresh".into()))
        );
        for hub in [
            "https://index.docker.io/v1/",
            "docker.io",
            "index.docker.io",
        ] {
            let config = format!(r#"{{"auths": {{"{hub}": {{"auth": "YWRhOmE6Yg=="}}}}}}"#);
            assert_eq!(found(&config, "docker.io"), ada, "{hub}");
        }
        let port = r#"{"auths": {"registry.example:5000": {"auth": "YWRhOmE6Yg=="}}}"#;
        assert_eq!(found(port, "registry.example"), None);
        assert_eq!(found("{}", "registry.example"), None);
    }
}
