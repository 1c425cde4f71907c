//! The command line of images and of the packaged chart.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Build or push the container image, without a container engine.
#[derive(Args)]
pub(crate) struct ImageArgs {
    #[command(subcommand)]
    pub(crate) command: ImageCommand,
}

#[derive(Subcommand)]
pub(crate) enum ImageCommand {
    Build(ImageBuildArgs),
    Push(ImagePushArgs),
}

/// Build the image of this commit: the statically linked binary and the root certificates.
///
/// Writes target/image.json (name, digest, revision), target/image (an OCI layout) and target/image.cdx.json (an SBOM).
/// Builds are reproducible: the same commit gives the same digest.
#[derive(Args)]
pub(crate) struct ImageBuildArgs {
    /// Repository of the image [default: the one that `setup` was given for dev, or docker.io/roster/roster]
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Use this statically linked binary instead of compiling; counts as a modified working tree
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Also load it into the local Docker engine
    #[arg(long)]
    pub(crate) load: bool,
    /// Also write it as an archive that nodes import: kind load image-archive, minikube image load, k3s ctr images import
    #[arg(long, value_name = "FILE")]
    pub(crate) archive: Option<PathBuf>,
}

/// Push the image that was built last, under its commit and its branch; --release adds its version.
///
/// Tags of a commit and of a release never move: pushing the same image again succeeds, another image is refused (exit
/// code 5) before anything is uploaded. A registry with immutable tags keeps the branch's tag where it is.
///
/// Credentials come from Docker's configuration (`docker login`, `DOCKER_CONFIG`). Signs with cosign if
/// `ROSTER_COSIGN_KEY` names a key or `ROSTER_COSIGN_KEYLESS` is set.
#[derive(Args)]
pub(crate) struct ImagePushArgs {
    /// Repository to push to, instead of the one given to `image build`
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Branch whose tag moves to this image [default: the current branch]
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Tag it with the workspace's version too; refused when another image has that tag
    #[arg(long)]
    pub(crate) release: bool,
    /// Push an image of a modified working tree, tagged with its commit and `-dirty`
    #[arg(long)]
    pub(crate) allow_dirty: bool,
}

/// Package the chart, or push it to a registry as an OCI artefact.
#[derive(Args)]
pub(crate) struct ChartArgs {
    #[command(subcommand)]
    pub(crate) command: ChartCommand,
}

#[derive(Subcommand)]
pub(crate) enum ChartCommand {
    Push(ChartPushArgs),
}

/// Push the chart of this commit as an OCI artefact, with the image of this commit as its default: `helm install roster
/// oci://…`.
///
/// Its version is the workspace's with --release, else that version with the commit (0.1.0-sha.0123456789ab). A version
/// never moves: pushing the same chart again succeeds, another one is refused (exit code 5). Signs with cosign as `image
/// push` does.
#[derive(Args)]
pub(crate) struct ChartPushArgs {
    /// Repository of charts; the chart's name, roster, is added [default: the folder `charts` beside the image's
    /// repository]
    #[arg(long, env = "ROSTER_CHART_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Use the workspace's version
    #[arg(long)]
    pub(crate) release: bool,
}
