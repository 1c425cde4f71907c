//! An API client for the smoke test and the load, created with the service's binary.
//!
//! Its secret goes from the binary's output into a Secret in the cluster and is never printed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::namespace::make_secret;
use crate::cluster::kubectl::Cluster;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// Id and secret of a client.
pub(crate) type Client = (String, String);

/// The Secret with the signing keys.
const TOKEN_KEYS: &str = "roster-token-keys";

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

/// Creates signing keys and a client, with the Secrets that the chart mounts; returns the client and a values file.
pub(crate) fn make(
    cluster: &Cluster,
    binary: &Path,
    database_url: &str,
) -> Result<(Client, PathBuf)> {
    if !binary.exists() {
        return Err(Failure::new(
            Kind::Usage,
            "creating a client needs the service's binary, which does not exist",
            format!("{} does not exist", binary.display()),
            "build it: cargo xtask image build",
        )
        .into());
    }
    let roster = |args: &[&str]| {
        tool(binary.display().to_string())
            .args(args)
            .secret_env("DATABASE_URL", database_url)
            .output()
    };
    let keys = roster(&["token", "keygen"])?;
    make_secret(cluster, TOKEN_KEYS, &[("keys.pem", &keys)])?;
    // A client is a row, so the tables must exist first. The release's own migration then finds them.
    roster(&["migrate"])?;
    let made = roster(&[
        "client",
        "create",
        "--json",
        "--name=e2e",
        "--scope=users:read,users:write",
    ])?;
    let made: Value = serde_json::from_str(&made)?;
    let member = |name: &str| {
        made[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("the client has no {name}"))
    };
    let client = (member("client_id")?, member("client_secret")?);
    let secret = [
        ("client-id", client.0.as_str()),
        ("client-secret", client.1.as_str()),
    ];
    make_secret(cluster, "roster-smoke-test", &secret)?;
    let values = PathBuf::from("target/e2e-tokens.yaml");
    std::fs::write(&values, format!("tokens: {{secretName: {TOKEN_KEYS}}}\n"))?;
    Ok((client, values))
}
