//! Selects the image to deploy: the one given, or the registry's latest, always by digest.

use anyhow::Result;

use crate::cli::{DeployArgs, EnvironmentName};
use crate::cluster::cloud::Cloud;
use crate::cluster::remembered::Remembered;
use crate::commands::image::{PUBLIC, branch_tag};
use crate::image::commit::{Commit, subject};
use crate::image::record::Record;
use crate::image::reference::{Reference, Repository};
use crate::image::registry::Registry;
use crate::image::signature;
use xtask::failure::{Failure, Kind};

/// The image to deploy.
pub(super) struct Chosen {
    pub(super) reference: Reference,
    /// The commit it was built from.
    pub(super) revision: String,
    /// What its author called the commit, if it is known here.
    pub(super) subject: Option<String>,
}

impl Chosen {
    fn new(reference: Reference, revision: String) -> Self {
        let subject = subject(&revision);
        Self {
            reference,
            revision,
            subject,
        }
    }

    /// What `helm history` says of a revision with it.
    pub(super) fn description(&self) -> String {
        let short = |text: &str| text.chars().take(19).collect::<String>();
        let commit: String = self.revision.chars().take(12).collect();
        let subject = self.subject.as_deref().unwrap_or("unknown here");
        format!(
            "commit {commit}: {subject} ({})",
            short(&self.reference.version)
        )
    }
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
fn place<'a>(target: &'a Remembered, cloud: Option<&'a Cloud>) -> &'a str {
    target
        .repository
        .as_deref()
        .or(cloud.map(|cloud| cloud.repository.as_str()))
        .unwrap_or(PUBLIC)
}

/// The tags under which an image is looked for that was not named: that of this commit, and in development that of the
/// branch. What a branch's tag means can change between the test and the deploy, so production does not follow it.
fn tags(args: &DeployArgs, commit: &Commit) -> Vec<String> {
    let mut tags = vec![commit.clean_tag()];
    if matches!(args.cluster.env, EnvironmentName::Dev) {
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

/// The image that was built last, by its tag: whether the nodes have it, only they know.
fn loaded(commit: &Commit, environment: EnvironmentName) -> Result<Chosen> {
    if environment != EnvironmentName::Dev {
        return Err(Failure::new(
            Kind::Refused,
            "production takes images from a registry alone; nothing was changed",
            "an image that was loaded into nodes has no signature and no digest that all agree on",
            "push it: cargo xtask image push",
        )
        .into());
    }
    let record = Record::read()?.filter(|record| record.revision == commit.revision);
    let Some(record) = record else {
        return Err(Failure::new(
            Kind::Usage,
            "there is no image of this commit to deploy",
            "target/image.json has none of it",
            "build one: cargo xtask image build --archive target/image.tar, and load that file into the nodes (docs/any-cluster.md)",
        )
        .into());
    };
    let reference = Repository::parse(&record.repository)?.at(record.tag);
    printing::eprintln!(
        "  {reference}, which the nodes must have, built from {}",
        record.revision
    );
    Ok(Chosen::new(reference, record.revision))
}

/// The image that was named, or the registry's of this commit; in development also the latest of this branch.
pub(super) fn choose(
    args: &DeployArgs,
    target: &Remembered,
    cloud: Option<&Cloud>,
) -> Result<Chosen> {
    let commit = Commit::read()?;
    if args.loaded {
        return loaded(&commit, args.cluster.env);
    }
    let candidates = if let Some(name) = &args.image {
        vec![named(name, args.cluster.env)?]
    } else {
        let repository = Repository::parse(place(target, cloud))?;
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
        built_from(&revision, &commit.revision, &named, args.cluster.env)?;
        signed(&named, args.cluster.env)?;
        return Ok(Chosen::new(reference, revision));
    }
    let names: Vec<_> = candidates.iter().map(ToString::to_string).collect();
    Err(Failure::new(
        Kind::Usage,
        "there is no image to deploy",
        format!("the registry has none of these: {}", names.join(", ")),
        "build and push one: cargo xtask image build && cargo xtask image push; or give one with --image; or, without a registry, see docs/any-cluster.md and pass --loaded",
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::{Chosen, built_from, named, signed};
    use crate::cli::EnvironmentName;
    use crate::image::reference::Reference;
    use xtask::failure::{Kind, exit_code};

    #[test]
    fn a_revision_is_described_by_commit_subject_and_image() {
        let digest = format!("roster/roster@sha256:{}", "a".repeat(64));
        let chosen = Chosen {
            reference: Reference::parse(&digest).expect("parses"),
            revision: "b".repeat(40),
            subject: Some("http: answer sooner".to_owned()),
        };
        assert_eq!(
            chosen.description(),
            "commit bbbbbbbbbbbb: http: answer sooner (sha256:aaaaaaaaaaaa)"
        );
    }

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
