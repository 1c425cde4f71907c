//! `cargo xtask chart push`: the chart of this commit in a registry, beside its image.

use std::path::Path;

use anyhow::Result;

use crate::cli::{ChartArgs, ChartCommand, ChartPushArgs};
use crate::cluster::CHART;
use crate::image::chart;
use crate::image::commit::Commit;
use crate::image::record::Record;
use crate::image::reference::Repository;
use crate::image::registry::{Registry, Tag};
use crate::image::signature;
use xtask::failure::{Failure, Kind};

/// Runs the command.
pub(crate) fn run(args: &ChartArgs) -> Result<()> {
    match &args.command {
        ChartCommand::Push(args) => {
            printing::println!("{}", push(args)?);
            Ok(())
        }
    }
}

/// Pushes it; returns its reference by digest.
pub(crate) fn push(args: &ChartPushArgs) -> Result<String> {
    let commit = Commit::read()?;
    let record = Record::read()?.filter(|record| record.revision == commit.revision);
    let Some(record) = record else {
        return Err(Failure::new(
            Kind::Usage,
            "there is no image of this commit for the chart to install",
            "target/image.json has none of it",
            "build and push it: cargo xtask image build && cargo xtask image push",
        )
        .into());
    };
    if commit.dirty {
        return Err(Failure::new(
            Kind::Refused,
            "the chart would be of a modified working tree",
            "no commit has its contents, so it could not be packaged again",
            "commit or stash, then push",
        )
        .into());
    }
    let repository = Repository::parse(&match &args.repository {
        Some(repository) => format!("{}/roster", repository.trim_end_matches('/')),
        None => beside(&record.repository),
    })?;
    let image = Repository::parse(&record.repository)?;
    if Registry::new(&image)?.find(&record.digest)?.is_none() {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "{} does not have the image that the chart would install",
                record.repository
            ),
            format!("the registry has no {}", record.digest),
            "push it first: cargo xtask image push",
        )
        .into());
    }
    let version = version(&record, &commit, args.release);
    let artefact = chart::artefact(Path::new(CHART), &version, &record)?;
    printing::eprintln!(
        "pushing the chart {version} to {repository}, which installs {}@{}",
        record.repository,
        record.digest
    );
    Registry::new(&repository)?.push(&artefact, &[Tag::Fixed(version.clone())])?;
    let reference = repository.at(artefact.manifest.digest.clone()).to_string();
    if signature::sign(&reference)? {
        printing::eprintln!("signed {reference}");
    } else {
        printing::eprintln!(
            "not signed: neither ROSTER_COSIGN_KEY nor ROSTER_COSIGN_KEYLESS is set"
        );
    }
    printing::eprintln!(
        "install it: helm upgrade --install roster oci://{repository} --version {version} --namespace roster --create-namespace --values VALUES.yaml"
    );
    Ok(reference)
}

/// The folder `charts` beside the image: `registry/roster/charts/roster` for `registry/roster/roster`.
fn beside(image: &str) -> String {
    let folder = image.rsplit_once('/').map_or(image, |(folder, _)| folder);
    format!("{folder}/charts/roster")
}

/// A release's version, or one before it that names the commit.
fn version(record: &Record, commit: &Commit, release: bool) -> String {
    if release {
        record.version.clone()
    } else {
        format!("{}-{}", record.version, commit.clean_tag())
    }
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn charts_are_beside_the_image_and_not_mixed_with_it() {
        assert_eq!(beside("ghcr.io/acme/roster"), "ghcr.io/acme/charts/roster");
        assert_eq!(
            beside("127.0.0.1:5000/roster/roster"),
            "127.0.0.1:5000/roster/charts/roster"
        );
    }
}
