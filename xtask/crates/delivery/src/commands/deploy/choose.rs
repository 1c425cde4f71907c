//! Selects the image to deploy: the one given, or the registry's latest, always by digest.

use anyhow::Result;

use crate::cli::{DeployArgs, EnvironmentName};
use crate::cluster::cloud::Cloud;
use crate::commands::image::branch_tag;
use crate::image::commit::Commit;
use crate::image::reference::{Reference, Repository};
use crate::image::registry::Registry;
use crate::image::signature;
use xtask::failure::{Failure, Kind};

/// The default repository of images.
const PUBLIC: &str = "docker.io/roster/roster";

/// The image to deploy.
pub(super) struct Chosen {
    pub(super) reference: Reference,
    /// The commit it was built from.
    pub(super) revision: String,
}

/// The image given on the command line. Production accepts it only by digest.
fn named(name: &str, environment: EnvironmentName) -> Result<Reference> {
    let reference = Reference::parse(name)?;
    if reference.is_digest() || matches!(environment, EnvironmentName::Dev) {
        return Ok(reference);
    }
    Err(Failure::new(
        Kind::Refused,
        format!("`{name}` is a tag, and production accepts only digests; nothing was changed"),
        "a tag can move after its image was tested",
        "use REPOSITORY@sha256:…, as printed by `cargo xtask image push`",
    )
    .into())
}

/// The repository of images: the caller's, Terraform's, or the public one.
fn place<'a>(args: &'a DeployArgs, cloud: Option<&'a Cloud>) -> &'a str {
    args.repository
        .as_deref()
        .or(cloud.map(|cloud| cloud.repository.as_str()))
        .unwrap_or(PUBLIC)
}

/// The tags under which an image is looked for that was not named: that of this commit, and in development that of the
/// branch. What a branch's tag means can change between the test and the deploy, so production does not follow it.
fn tags(args: &DeployArgs, commit: &Commit) -> Vec<String> {
    let mut tags = vec![commit.clean_tag()];
    if matches!(args.env, EnvironmentName::Dev) {
        let branch = args.branch.clone().or_else(|| commit.branch.clone());
        tags.extend(branch.map(|branch| branch_tag(&branch)));
    }
    tags
}

/// Refuses an image of another commit in production: its chart and migrations come from the commit checked out here.
fn built_from(
    revision: &str,
    commit: &str,
    reference: &str,
    environment: EnvironmentName,
) -> Result<()> {
    if revision == commit {
        return Ok(());
    }
    if matches!(environment, EnvironmentName::Dev) {
        printing::eprintln!(
            "  note: that is not the commit checked out here ({commit}); its chart and migrations may not fit"
        );
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        format!("{reference} was built from {revision}, not from {commit}; nothing was changed"),
        "production runs an image with the chart and the migrations of its own commit",
        format!("check out that commit (git checkout {revision}), or name an image of this one with --image"),
    )
    .into())
}

/// Refuses an image in production that no signature was asked of.
fn signed(reference: &str, environment: EnvironmentName) -> Result<()> {
    if signature::verify(reference)? {
        return Ok(());
    }
    let unset = "ROSTER_COSIGN_PUBLIC_KEY and ROSTER_COSIGN_IDENTITY are not set";
    if matches!(environment, EnvironmentName::Dev) {
        printing::eprintln!("  signature not verified: {unset}");
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        format!("nothing says who must have signed {reference}; nothing was changed"),
        format!("production takes signed images alone, and {unset}"),
        "set ROSTER_COSIGN_IDENTITY and ROSTER_COSIGN_ISSUER to the account that signs (concourse/pipelines/master.yml), or ROSTER_COSIGN_PUBLIC_KEY to its key",
    )
    .into())
}

/// The image that was named, or the registry's of this commit; in development also the latest of this branch.
pub(super) fn choose(args: &DeployArgs, cloud: Option<&Cloud>) -> Result<Chosen> {
    let commit = Commit::read()?;
    let candidates = if let Some(name) = &args.image {
        vec![named(name, args.env)?]
    } else {
        let repository = Repository::parse(place(args, cloud))?;
        let tags = tags(args, &commit).into_iter();
        tags.map(|tag| repository.at(tag)).collect()
    };
    for candidate in &candidates {
        let found = Registry::new(&candidate.repository)?.find(&candidate.version)?;
        let Some(found) = found else { continue };
        let revision = found.labels["org.opencontainers.image.revision"]
            .as_str()
            .unwrap_or("unknown")
            .to_owned();
        let reference = candidate.repository.at(found.digest);
        let named = reference.to_string();
        printing::eprintln!("  {candidate} is {named}, built from {revision}");
        built_from(&revision, &commit.revision, &named, args.env)?;
        signed(&named, args.env)?;
        return Ok(Chosen {
            reference,
            revision,
        });
    }
    let names: Vec<_> = candidates.iter().map(ToString::to_string).collect();
    Err(Failure::new(
        Kind::Usage,
        "there is no image to deploy",
        format!("the registry has none of these: {}", names.join(", ")),
        "build and push one: cargo xtask image build && cargo xtask image push; or give one with --image",
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::{built_from, named, signed};
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

    #[test]
    fn production_takes_no_image_of_another_commit() {
        let (old, new) = ("a".repeat(40), "b".repeat(40));
        for revision in [old.as_str(), "unknown"] {
            let refused = built_from(
                revision,
                &new,
                "roster@sha256:1",
                EnvironmentName::Production,
            );
            let code = exit_code(&refused.expect_err("is of another commit"));
            assert_eq!(code, Kind::Refused.exit_code());
            assert!(built_from(revision, &new, "roster@sha256:1", EnvironmentName::Dev).is_ok());
        }
        assert!(built_from(&new, &new, "roster@sha256:1", EnvironmentName::Production).is_ok());
    }

    #[test]
    fn production_asks_for_a_signature() {
        // No key and no identity are configured where tests run.
        let refused = signed("roster@sha256:1", EnvironmentName::Production);
        let code = exit_code(&refused.expect_err("nobody is asked for"));
        assert_eq!(code, Kind::Refused.exit_code());
        assert!(signed("roster@sha256:1", EnvironmentName::Dev).is_ok());
    }
}
