//! Who we are to a registry, from Docker's own configuration.
//!
//! `docker login` or a pipeline's task wrote it; nothing is stored here, and nothing is printed.

use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use xtask::run_tool::tool;

/// A name and its password, or a token in its place.
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) secret: String,
}

/// The credentials for this registry, when Docker's configuration has some.
pub(crate) fn find(registry: &str) -> Result<Option<Credentials>> {
    let path = config_path();
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let config: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let keys = config_keys(registry);
    for key in &keys {
        let helper = config["credHelpers"][key].as_str();
        if let Some(helper) = helper.or_else(|| {
            config["auths"]
                .get(key)
                .filter(|entry| entry.get("auth").is_none())
                .and(config["credsStore"].as_str())
        }) {
            return ask_helper(helper, key).map(Some);
        }
        if let Some(auth) = config["auths"][key]["auth"].as_str() {
            return decode(auth).map(Some).with_context(|| {
                format!("the entry `{key}` of {} cannot be read", path.display())
            });
        }
    }
    Ok(None)
}

fn config_path() -> PathBuf {
    std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker")))
        .unwrap_or_default()
        .join("config.json")
}

/// Docker Hub is known under an old name there.
fn config_keys(registry: &str) -> Vec<String> {
    if registry == "docker.io" {
        return [
            "https://index.docker.io/v1/",
            "index.docker.io",
            "docker.io",
        ]
        .map(str::to_owned)
        .to_vec();
    }
    vec![registry.to_owned(), format!("https://{registry}")]
}

fn decode(auth: &str) -> Result<Credentials> {
    let text = String::from_utf8(STANDARD.decode(auth)?)?;
    let (user, secret) = text.split_once(':').context("it has no colon")?;
    Ok(Credentials {
        user: user.to_owned(),
        secret: secret.to_owned(),
    })
}

fn ask_helper(helper: &str, key: &str) -> Result<Credentials> {
    let answer = tool(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(key.as_bytes())
        .quiet()
        .output()?;
    let answer: Value = serde_json::from_str(&answer)?;
    let member = |name: &str| answer[name].as_str().map(str::to_owned);
    Ok(Credentials {
        user: member("Username").context("the credential helper gave no user")?,
        secret: member("Secret").context("the credential helper gave no secret")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{config_keys, decode};

    #[test]
    fn a_password_may_hold_colons() {
        let credentials = decode("YWRhOmE6Yg==").expect("is base64");
        assert_eq!(credentials.user, "ada");
        assert_eq!(credentials.secret, "a:b");
    }

    #[test]
    fn docker_hub_is_found_under_its_old_name() {
        assert!(config_keys("docker.io").contains(&"https://index.docker.io/v1/".to_owned()));
    }
}
