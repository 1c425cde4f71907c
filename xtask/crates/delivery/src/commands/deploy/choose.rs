//! Which image is deployed: the one that is named, or the registry's latest, always by digest.

use anyhow::Result;

use crate::cli::{DeployArgs, EnvironmentName};
use crate::cluster::cloud::Cloud;
use crate::commands::image::{Commit, branch_tag};
use crate::image::reference::{Reference, Repository};
use crate::image::registry::Registry;
use crate::image::signature;
use xtask::failure::{Failure, Kind};

/// Where images lie when neither the caller nor Terraform says another place.
const PUBLIC: &str = "docker.io/roster/roster";

/// The image that is to run.
pub(super) struct Chosen {
    pub(super) reference: Reference,
    /// Commit that it was built from.
    pub(super) revision: String,
}

/// The image that a person named. Production takes it by digest alone.
fn named(name: &str, environment: EnvironmentName) -> Result<Reference> {
    let reference = Reference::parse(name)?;
    if reference.is_digest() || matches!(environment, EnvironmentName::Dev) {
        return Ok(reference);
    }
    Err(Failure::new(
        Kind::Refused,
        format!("`{name}` is a tag, and production takes images by digest; nothing was changed"),
        "a tag can move after what it named was tested",
        "name it as REPOSITORY@sha256:…, as `cargo xtask image push` printed it",
    )
    .into())
}

/// Where images lie: where the caller says, where Terraform made a place for them, or in the public registry.
fn place<'a>(args: &'a DeployArgs, cloud: Option<&'a Cloud>) -> &'a str {
    args.repository
        .as_deref()
        .or(cloud.map(|cloud| cloud.repository.as_str()))
        .unwrap_or(PUBLIC)
}

/// The image that was named, or the registry's latest of this commit, or of this branch.
pub(super) fn choose(args: &DeployArgs, cloud: Option<&Cloud>) -> Result<Chosen> {
    let commit = Commit::read()?;
    let candidates = if let Some(name) = &args.image {
        vec![named(name, args.env)?]
    } else {
        let repository = Repository::parse(place(args, cloud))?;
        let branch = args.branch.clone().or_else(|| commit.branch.clone());
        let mut tags = vec![format!("sha-{}", &commit.revision[..12])];
        tags.extend(branch.map(|branch| branch_tag(&branch)));
        tags.into_iter().map(|tag| repository.at(tag)).collect()
    };
    for candidate in &candidates {
        let found = Registry::new(&candidate.repository)?.find(&candidate.version)?;
        let Some(found) = found else { continue };
        let revision = found.labels["org.opencontainers.image.revision"]
            .as_str()
            .unwrap_or("unknown")
            .to_owned();
        let reference = candidate.repository.at(found.digest);
        anstream::eprintln!("  {candidate} is {reference}, built from {revision}");
        if args.image.is_none() && revision != commit.revision {
            anstream::eprintln!(
                "  note: that is not the commit checked out here ({}); the registry has no image of it",
                commit.revision
            );
        }
        if !signature::verify(&reference.to_string())? {
            anstream::eprintln!(
                "  signature not verified: ROSTER_COSIGN_PUBLIC_KEY and ROSTER_COSIGN_IDENTITY are not set"
            );
        }
        return Ok(Chosen {
            reference,
            revision,
        });
    }
    let names: Vec<_> = candidates.iter().map(ToString::to_string).collect();
    Err(Failure::new(
        Kind::Usage,
        "there is no image to deploy",
        format!("the registry has none of: {}", names.join(", ")),
        "build and push it: cargo xtask image build && cargo xtask image push; or name one with --image",
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::cli::EnvironmentName;
    use xtask::failure::{Kind, exit_code};

    #[test]
    fn production_takes_no_tags() {
        let refused = named("roster/roster:1.0", EnvironmentName::Production);
        let code = exit_code(&refused.expect_err("is a tag"));
        assert_eq!(code, Kind::Refused.exit_code());
        let digest = format!("roster/roster@sha256:{}", "a".repeat(64));
        assert!(named(&digest, EnvironmentName::Production).is_ok());
        assert!(named("roster/roster:1.0", EnvironmentName::Dev).is_ok());
    }
}
