//! Signatures by cosign, where a key or an identity is configured.
//!
//! The key's password is cosign's own business (`COSIGN_PASSWORD`); no key passes through here.

use std::env;

use anyhow::Result;

use crate::run_tool::{Run, tool};

/// Signs the image when `ROSTER_COSIGN_KEY` names a key, or `ROSTER_COSIGN_KEYLESS` is set; says whether it did.
pub(crate) fn sign(reference: &str) -> Result<bool> {
    let run = match (
        setting("ROSTER_COSIGN_KEY"),
        setting("ROSTER_COSIGN_KEYLESS"),
    ) {
        (Some(key), _) => cosign("sign").arg("--key").arg(key),
        (None, Some(_)) => cosign("sign"),
        (None, None) => return Ok(false),
    };
    run.args(["--yes", reference]).run()?;
    Ok(true)
}

/// Verifies the image's signature when `ROSTER_COSIGN_PUBLIC_KEY` or `ROSTER_COSIGN_IDENTITY` says by whom it must be;
/// says whether it did.
pub(crate) fn verify(reference: &str) -> Result<bool> {
    let run = match (
        setting("ROSTER_COSIGN_PUBLIC_KEY"),
        setting("ROSTER_COSIGN_IDENTITY"),
    ) {
        (Some(key), _) => cosign("verify").arg("--key").arg(key),
        (None, Some(identity)) => cosign("verify")
            .arg("--certificate-identity")
            .arg(identity)
            .arg("--certificate-oidc-issuer")
            .arg(setting("ROSTER_COSIGN_ISSUER").unwrap_or_default()),
        (None, None) => return Ok(false),
    };
    run.args(["--output=text", reference]).output()?;
    Ok(true)
}

fn cosign(command: &str) -> Run {
    tool("cosign").arg(command)
}

fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
