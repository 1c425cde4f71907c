//! Signatures with cosign, if a key or an identity is configured.
//!
//! cosign reads the key's password itself (`COSIGN_PASSWORD`); no key passes through here.

mod verified;

use std::env;
use std::path::Path;

use anyhow::{Context, Result};

use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};

const LOG: &str = "ROSTER_COSIGN_LOG";
const CONFIG: &str = "target/cosign/signing-config.json";
/// A Sigstore signing configuration without a log and without a timestamp authority.
const NO_SERVICES: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;

/// Where signatures are recorded besides the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Log {
    /// In Sigstore's public transparency log, with the image's name and digest.
    Public,
    /// Nowhere: for closed networks, or images with confidential names.
    None,
}

impl Log {
    fn configured(value: Option<&str>, with_key: bool) -> Result<Self> {
        match value {
            None | Some("public") => Ok(Self::Public),
            Some("none") if with_key => Ok(Self::None),
            Some("none") => Err(refused(
                "without a key, only the public log proves when the identity signed",
                "sign and verify with a key (ROSTER_COSIGN_KEY, ROSTER_COSIGN_PUBLIC_KEY), or unset ROSTER_COSIGN_LOG",
            )),
            Some(_) => Err(refused(
                "it has two valid values",
                "set it to public or none",
            )),
        }
    }
}

fn refused(why: &str, next: &str) -> anyhow::Error {
    Failure::new(Kind::Usage, format!("{LOG} is invalid"), why, next).into()
}

/// Signs the image if `ROSTER_COSIGN_KEY` names a key or `ROSTER_COSIGN_KEYLESS` is set; returns whether it did.
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

/// Verifies the image's signature if `ROSTER_COSIGN_PUBLIC_KEY` or `ROSTER_COSIGN_IDENTITY` is set; returns whether it
/// did. The reference must have a digest.
///
/// # Errors
/// [`Kind::Refused`] if it does not have that signature.
pub(crate) fn verify(reference: &str) -> Result<bool> {
    let Some(signer) = signer()? else {
        return Ok(false);
    };
    let digest = reference.split_once('@').map_or("", |(_, digest)| digest);
    let mut why = Vec::new();
    // Beside bundles, cosign does not look at signatures in the format before them, such as one by an earlier key.
    for format in ["--new-bundle-format=true", "--new-bundle-format=false"] {
        let run = cosign("verify").args(&signer);
        let outcome = run.args([format, "--output=json", reference]).outcome()?;
        if !outcome.status.success() {
            why.extend(last_line(&outcome.stderr));
            continue;
        }
        match verified::signature_of(digest, &String::from_utf8_lossy(&outcome.stdout)) {
            Ok(()) => return Ok(true),
            Err(instead) => why.extend(instead),
        }
    }
    why.dedup();
    why.extend(attached(reference));
    Err(Failure::new(
        Kind::Refused,
        format!("{reference} does not have the required signature; nothing was changed"),
        why.join("\n"),
        "push it with signing (ROSTER_COSIGN_KEY, ROSTER_COSIGN_KEYLESS), or require the signer that it has",
    )
    .into())
}

/// The arguments of `cosign verify` that say whose signature is asked for; `None` if nobody's is.
fn signer() -> Result<Option<Vec<String>>> {
    let key = setting("ROSTER_COSIGN_PUBLIC_KEY");
    let identity = setting("ROSTER_COSIGN_IDENTITY");
    if key.is_none() && identity.is_none() {
        return Ok(None);
    }
    let log = Log::configured(setting(LOG).as_deref(), key.is_some())?;
    let mut arguments = match (key, identity) {
        (Some(key), _) => vec!["--key".to_owned(), key],
        (None, identity) => {
            let issuer = setting("ROSTER_COSIGN_ISSUER").unwrap_or_default();
            let identity = identity.unwrap_or_default();
            let named = [
                ("--certificate-identity", identity),
                ("--certificate-oidc-issuer", issuer),
            ];
            let pairs = named.into_iter();
            pairs
                .flat_map(|(flag, value)| [flag.to_owned(), value])
                .collect()
        }
    };
    if log == Log::None {
        arguments.push("--insecure-ignore-tlog=true".to_owned());
    }
    Ok(Some(arguments))
}

/// What is attached to the image, by any signer, as `cosign tree` lists it.
fn attached(reference: &str) -> Vec<String> {
    let listed = cosign("tree").arg(reference).outcome().ok();
    let text = listed.filter(|outcome| outcome.status.success());
    let text = text.map(|outcome| String::from_utf8_lossy(&outcome.stdout).into_owned());
    let lines = text.iter().flat_map(|text| text.lines());
    let lines = lines.map(str::trim_end).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// The error that cosign ends with.
fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty()).map(str::to_owned)
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
            let refused = Log::configured(Some(value), with_key).expect_err("is not a setting");
            assert_eq!(exit_code(&refused), Kind::Usage.exit_code());
        }
    }
}
