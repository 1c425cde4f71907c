//! `cargo xtask image build|push`: from a commit to an image identified by its digest.
//!
//! The steps are here; the image's contents are in `crate::image`.

use anyhow::{Context, Result};

use crate::cli::{EnvironmentName, ImageArgs, ImageBuildArgs, ImageCommand, ImagePushArgs};
use crate::cluster::remembered::Remembered;
use crate::image::assemble::{self, Description, Image};
use crate::image::commit::Commit;
use crate::image::compile::{compile, is_packed, target};
use crate::image::record::{self, Record};
use crate::image::reference::Repository;
use crate::image::registry::{Registry, Tag};
use crate::image::stamp::{names_itself, stamp};
use crate::image::{layer, sbom, signature};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

/// The default repository of images.
pub(crate) const PUBLIC: &str = "docker.io/roster/roster";

/// An image larger than this is a mistake.
const LARGEST_IMAGE: u64 = 20 << 20;

/// Runs the command.
pub(crate) fn run(args: ImageArgs) -> Result<()> {
    match args.command {
        ImageCommand::Build(args) => {
            let record = build(&args)?;
            printing::println!("{}", record.reference);
            Ok(())
        }
        ImageCommand::Push(args) => {
            let record = push(&args)?;
            printing::println!("{}", record.reference);
            Ok(())
        }
    }
}

/// Builds the image of the working tree, and writes `target/image.json`.
pub(crate) fn build(args: &ImageBuildArgs) -> Result<Record> {
    tools::require(if args.binary.is_none() {
        &["git", "cargo-auditable"]
    } else {
        &["git"]
    })?;
    let repository = Repository::parse(&repository(args.repository.as_deref())?)?;
    let mut commit = Commit::read()?;
    let target = target()?;
    // The commit of a binary from elsewhere is unknown.
    commit.dirty |= args.binary.is_some();
    let (binary_path, revision) = match &args.binary {
        Some(binary) => (binary.clone(), None),
        None => (compile("roster")?, Some(commit.revision.as_str())),
    };
    let mut binary = std::fs::read(&binary_path)
        .with_context(|| format!("cannot read {}", binary_path.display()))?;
    if let Some(revision) = revision {
        binary = stamp(binary, revision)?;
        names_itself(&binary, revision)?;
    }
    let description = Description {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: commit.revision.clone(),
        source: env!("CARGO_PKG_REPOSITORY").to_owned(),
        created: commit.created.clone(),
    };
    let layer = layer::pack(&binary, commit.seconds)?;
    is_packed(&layer, &binary_path, revision)?;
    let image = assemble::assemble(&layer, &description, &[])?;
    let size = image.size();
    if size > LARGEST_IMAGE {
        return Err(Failure::new(
            Kind::Check,
            format!("the image is too large: {size} bytes"),
            format!(
                "the limit is {LARGEST_IMAGE} bytes; the binary has {}",
                binary.len()
            ),
            "find what grew: cargo tree -p roster -e normal",
        )
        .into());
    }
    let components = sbom::write(target, &description)?;
    let tag = commit.tag();
    image.write(&tag)?;
    let record = Record {
        repository: repository.to_string(),
        reference: repository.at(image.manifest.digest.clone()).to_string(),
        digest: image.manifest.digest.clone(),
        tag,
        revision: commit.revision,
        version: description.version,
        size_bytes: size,
        dirty: commit.dirty,
    };
    record.write()?;
    printing::eprintln!(
        "image {} ({:.1} MiB, binary {:.1} MiB), {}; SBOM of {components} components in {}",
        record.digest,
        mebibytes(size),
        mebibytes(binary.len() as u64),
        record::FILE,
        sbom::FILE,
    );
    hand_over(args, &image, &layer, &record)?;
    Ok(record)
}

/// Gives the image to the engine of this machine, or to a file, where that was asked for.
fn hand_over(
    args: &ImageBuildArgs,
    image: &Image,
    layer: &layer::Layer,
    record: &Record,
) -> Result<()> {
    if args.load || args.archive.is_some() {
        let archive = archive(image, layer, record)?;
        if let Some(file) = &args.archive {
            std::fs::write(file, &archive)
                .with_context(|| format!("cannot write {}", file.display()))?;
            printing::eprintln!(
                "{} has it as {}:{}",
                file.display(),
                record.repository,
                record.tag
            );
        }
        if args.load {
            tool("docker").arg("load").stdin(archive).run()?;
        }
    }
    Ok(())
}

/// The given repository, or the one that is remembered for development.
fn repository(given: Option<&str>) -> Result<String> {
    if let Some(repository) = given {
        return Ok(repository.to_owned());
    }
    let remembered = Remembered::read(EnvironmentName::Dev)?.repository;
    Ok(remembered.unwrap_or_else(|| PUBLIC.to_owned()))
}

/// Pushes the last built image with its tags.
pub(crate) fn push(args: &ImagePushArgs) -> Result<Record> {
    let commit = Commit::read()?;
    let record = Record::read()?.filter(|record| record.revision == commit.revision);
    let Some(mut record) = record else {
        return Err(Failure::new(
            Kind::Usage,
            "there is no image of this commit to push",
            format!("{} has no image of {}", record::FILE, commit.revision),
            "build it: cargo xtask image build",
        )
        .into());
    };
    if record.dirty && !args.allow_dirty {
        return Err(Failure::new(
            Kind::Refused,
            "the image was built from a modified working tree",
            "no commit has its contents, so it could not be rebuilt",
            "commit or stash, build again, then push; or pass --allow-dirty",
        )
        .into());
    }
    let repository = Repository::parse(args.repository.as_deref().unwrap_or(&record.repository))?;
    let image = Image::read(&record.digest)?;
    let branch = args.branch.clone().or(commit.branch);
    let tags = tags_of(&record, branch.as_deref(), args.release);
    let names: Vec<_> = tags.iter().map(Tag::name).collect();
    printing::eprintln!(
        "pushing {} to {repository} as {}",
        record.digest,
        names.join(", ")
    );
    Registry::new(&repository)?.push(&image, &tags)?;
    record.repository = repository.to_string();
    record.reference = repository.at(record.digest.clone()).to_string();
    record.write()?;
    if signature::sign(&record.reference)? {
        printing::eprintln!("signed {}", record.reference);
    } else {
        printing::eprintln!(
            "not signed: neither ROSTER_COSIGN_KEY nor ROSTER_COSIGN_KEYLESS is set"
        );
    }
    Ok(record)
}

/// The tags of an image: its commit's for ever; its branch's, which moves; a release's version, for ever.
fn tags_of(record: &Record, branch: Option<&str>, release: bool) -> Vec<Tag> {
    if record.dirty {
        // The next build of the same work tree may differ.
        return vec![Tag::Moving(record.tag.clone())];
    }
    let mut tags = vec![Tag::Fixed(record.tag.clone())];
    tags.extend(release.then(|| Tag::Fixed(record.version.clone())));
    tags.extend(branch.map(|branch| Tag::Moving(branch_tag(branch))));
    tags
}

/// The tag that follows a branch: always a valid one, and never one that names a commit or a release.
pub(crate) fn branch_tag(branch: &str) -> String {
    let valid = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = branch.chars().map(valid).collect();
    let names_something_else = name.starts_with("sha-")
        || name.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let prefix = if names_something_else { "branch-" } else { "" };
    format!("{prefix}{name}").chars().take(128).collect()
}

/// The image in the format that every version of `docker load`, containerd, kind and minikube read.
fn archive(image: &Image, layer: &layer::Layer, record: &Record) -> Result<Vec<u8>> {
    let name = format!("{}:{}", record.repository, record.tag);
    let manifest = serde_json::json!([{
        "Config": "config.json",
        "RepoTags": [name],
        "Layers": ["layer.tar"],
    }]);
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in [
        ("manifest.json", serde_json::to_vec(&manifest)?.as_slice()),
        ("config.json", &image.config.bytes),
        ("layer.tar", &layer.archive),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, bytes)?;
    }
    Ok(archive.into_inner()?)
}

#[allow(clippy::cast_precision_loss, reason = "printed with one decimal")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::{Record, Tag, branch_tag, tags_of};

    #[test]
    fn a_branch_becomes_a_valid_tag_that_names_nothing_else() {
        for (branch, tag) in [
            ("develop", "develop"),
            ("feature/a b", "feature-a-b"),
            ("-x", "branch--x"),
            (".hidden", "branch-.hidden"),
            ("0.1.0", "branch-0.1.0"),
            ("sha-0123456789ab", "branch-sha-0123456789ab"),
            ("größe", "gr--e"),
        ] {
            assert_eq!(branch_tag(branch), tag, "{branch}");
        }
        assert_eq!(branch_tag(&"b".repeat(300)).len(), 128);
    }

    #[test]
    fn only_a_release_is_tagged_with_the_version() {
        let record = |dirty| Record {
            repository: "docker.io/roster/roster".into(),
            tag: "sha-a".into(),
            digest: String::new(),
            reference: String::new(),
            revision: "a".into(),
            version: "1.0.0".into(),
            size_bytes: 0,
            dirty,
        };
        let (commit, branch) = (Tag::Fixed("sha-a".into()), Tag::Moving("develop".into()));
        let version = Tag::Fixed("1.0.0".into());
        let tags = |dirty, release| tags_of(&record(dirty), Some("develop"), release);
        assert_eq!(tags(false, false), [commit.clone(), branch.clone()]);
        assert_eq!(tags(false, true), [commit, version, branch]);
        assert_eq!(tags(true, true), [Tag::Moving("sha-a".into())]);
    }
}
