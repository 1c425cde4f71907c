//! Signatures by cosign, where a key or an identity is configured.
//!
//! The key's password is cosign's own business (`COSIGN_PASSWORD`); no key passes through here.

use std::env;
use std::path::Path;

use anyhow::{Context, Result};

use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};

const LOG: &str = "ROSTER_COSIGN_LOG";
const CONFIG: &str = "target/cosign/signing-config.json";
/// A signing configuration of Sigstore that names no log and no time-stamping authority.
const NO_SERVICES: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;

/// Where signatures are written down beside the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Log {
    /// In Sigstore's public transparency log, with the image's name and digest.
    Public,
    /// Nowhere: for a network that is closed, or an image whose name is nobody's business.
    None,
}

impl Log {
    fn configured(value: Option<&str>, with_key: bool) -> Result<Self> {
        match value {
            None | Some("public") => Ok(Self::Public),
            Some("none") if with_key => Ok(Self::None),
            Some("none") => Err(refused(
                "without a key the public log is what proves when the identity signed",
                "sign and verify with a key (ROSTER_COSIGN_KEY, ROSTER_COSIGN_PUBLIC_KEY), or leave ROSTER_COSIGN_LOG away",
            )),
            Some(_) => Err(refused("it knows two values", "write public or none")),
        }
    }
}

fn refused(why: &str, next: &str) -> anyhow::Error {
    Failure::new(Kind::Usage, format!("{LOG} cannot be used so"), why, next).into()
}

/// Signs the image when `ROSTER_COSIGN_KEY` names a key, or `ROSTER_COSIGN_KEYLESS` is set; says whether it did.
pub(crate) fn sign(reference: &str) -> Result<bool> {
    let key = setting("ROSTER_COSIGN_KEY");
    if key.is_none() && setting("ROSTER_COSIGN_KEYLESS").is_none() {
        return Ok(false);
    }
    let mut run = cosign("sign");
    if Log::configured(setting(LOG).as_deref(), key.is_some())? == Log::None {
        let config = Path::new(CONFIG);
        let folder = config.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(config, NO_SERVICES))
            .with_context(|| format!("cannot write {CONFIG}"))?;
        run = run.args(["--signing-config", CONFIG]);
    }
    if let Some(key) = key {
        run = run.arg("--key").arg(key);
    }
    run.args(["--yes", reference]).run()?;
    Ok(true)
}

/// Verifies the image's signature when `ROSTER_COSIGN_PUBLIC_KEY` or `ROSTER_COSIGN_IDENTITY` says by whom it must be;
/// says whether it did.
///
/// # Errors
/// [`Kind::Refused`] when it is not signed so.
pub(crate) fn verify(reference: &str) -> Result<bool> {
    let key = setting("ROSTER_COSIGN_PUBLIC_KEY");
    let identity = setting("ROSTER_COSIGN_IDENTITY");
    if key.is_none() && identity.is_none() {
        return Ok(false);
    }
    let log = Log::configured(setting(LOG).as_deref(), key.is_some())?;
    let mut run = cosign("verify");
    if let Some(key) = key {
        run = run.arg("--key").arg(key);
    } else {
        let identity = identity.unwrap_or_default();
        let issuer = setting("ROSTER_COSIGN_ISSUER").unwrap_or_default();
        run = run.arg("--certificate-identity").arg(identity);
        run = run.arg("--certificate-oidc-issuer").arg(issuer);
    }
    if log == Log::None {
        run = run.arg("--insecure-ignore-tlog=true");
    }
    let outcome = run.args(["--output=text", reference]).outcome()?;
    if outcome.status.success() {
        return Ok(true);
    }
    Err(Failure::new(
        Kind::Refused,
        format!("{reference} does not have the signature that is asked for; nothing was changed"),
        String::from_utf8_lossy(&outcome.stderr).into_owned(),
        "push it from where it is signed (ROSTER_COSIGN_KEY, ROSTER_COSIGN_KEYLESS), or ask for whom it is signed by",
    )
    .into())
}

fn cosign(command: &str) -> Run {
    tool("cosign").arg(command)
}

fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Log;
    use xtask::failure::{Kind, exit_code};

    #[test]
    fn the_public_log_is_left_out_only_where_asked_and_only_with_a_key() {
        assert!(matches!(Log::configured(None, false), Ok(Log::Public)));
        assert!(matches!(Log::configured(Some("none"), true), Ok(Log::None)));
        for (value, with_key) in [("none", false), ("off", true)] {
            let refused = Log::configured(Some(value), with_key).expect_err("is no setting");
            assert_eq!(exit_code(&refused), Kind::Usage.exit_code());
        }
    }
}
