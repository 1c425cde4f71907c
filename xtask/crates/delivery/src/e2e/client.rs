//! The API client of the smoke test, with which the load calls too. Its secret is read from the cluster and never printed.

use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cluster::kubectl::Cluster;

/// Id and secret of a client.
pub(crate) type Client = (String, String);

/// The Secret with the client.
const SECRET: &str = "roster-smoke-test";

/// Whether the values disable authentication.
pub(crate) fn is_open(values: &[PathBuf]) -> Result<bool> {
    let mut open = false;
    for file in values {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let values: Value = serde_saphyr::from_str(&text)?;
        if let Some(auth) = values.pointer("/config/auth") {
            open = auth == "disabled";
        }
    }
    Ok(open)
}

/// The client that `setup` made; the first deploy registers it.
pub(crate) fn read(cluster: &Cluster) -> Result<Client> {
    let secret = cluster.get(&["secret", SECRET])?;
    let member = |key: &str| -> Result<String> {
        let encoded = secret["data"][key].as_str();
        let encoded = encoded.with_context(|| format!("the Secret {SECRET} has no key {key}"))?;
        Ok(String::from_utf8(STANDARD.decode(encoded)?)?)
    };
    Ok((member("client-id")?, member("client-secret")?))
}
