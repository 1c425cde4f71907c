//! Runs Terraform in a root: initialised against the root's own state bucket, its data folder outside the sources.
//!
//! It knows how Terraform is called, not what is planned.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::infra::root::{BOOTSTRAP, Root};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};
use xtask::tools;

/// The version that the roots ask for (`required_version`).
pub(crate) const VERSION: &str = "1.11.4";

/// Terraform in one folder.
#[derive(Clone, Debug)]
pub(crate) struct Terraform {
    folder: PathBuf,
    data: PathBuf,
}

impl Terraform {
    /// For a folder of sources and one for providers and backend settings, which may be relative to the repository.
    pub(crate) fn new(folder: &Path, data: &Path) -> Result<Self> {
        // Terraform takes its data folder relative to -chdir.
        let data = std::path::absolute(data).context("cannot tell the working folder")?;
        Ok(Self {
            folder: folder.to_owned(),
            data,
        })
    }

    /// Initialised for planning: state from the bucket, providers as the lock file says.
    pub(crate) fn initialised(root: &Root) -> Result<Self> {
        require()?;
        root.make_work_folder()?;
        let terraform = Self::new(&root.folder, &root.work.join("data"))?;
        let mut init = terraform
            .command("init")
            .arg("-input=false")
            .arg("-lockfile=readonly");
        if !root.folder.join(".terraform.lock.hcl").is_file() {
            return Err(Failure::new(
                Kind::Refused,
                format!("{} has no lock file", root.name),
                "without it, a provider that somebody else put into the registry would be run unseen",
                format!("cargo xtask infra lock --env {}   and commit what it writes", root.name),
            )
            .into());
        }
        if root.name != BOOTSTRAP || has_remote_state(root) {
            init = init.arg(format!("-backend-config=bucket={}", root.state_bucket()?));
        }
        init.output().map_err(|error| unreachable(&error, root))?;
        Ok(terraform)
    }

    /// `terraform -chdir=… <subcommand>`, without questions and colours of its own.
    pub(crate) fn command(&self, subcommand: &str) -> Run {
        tool("terraform")
            .env("TF_DATA_DIR", &self.data)
            .env("TF_IN_AUTOMATION", "1")
            .arg(format!("-chdir={}", self.folder.display()))
            .args(subcommand.split(' '))
    }
}

/// Whether bootstrap's state has moved into its bucket.
pub(crate) fn has_remote_state(root: &Root) -> bool {
    root.folder.join("backend_override.tf").is_file()
}

/// Refuses to go on without the very version of Terraform that the roots ask for.
pub(crate) fn require() -> Result<()> {
    if !tools::is_installed("terraform") {
        return Err(tools::missing("terraform"));
    }
    let answer = tool("terraform")
        .args(["version", "-json"])
        .env("CHECKPOINT_DISABLE", "1")
        .quiet()
        .output()?;
    let answer: serde_json::Value = serde_json::from_str(&answer)?;
    let found = answer["terraform_version"].as_str().unwrap_or("unknown");
    if found == VERSION {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Missing,
        format!("terraform {VERSION} is needed, {found} is installed"),
        "a newer Terraform would write a state that this one cannot read",
        format!("install terraform {VERSION}: https://releases.hashicorp.com/terraform/{VERSION}/"),
    )
    .into())
}

/// Tells a registry, bucket or account that cannot be reached from other faults of `init`.
fn unreachable(error: &anyhow::Error, root: &Root) -> anyhow::Error {
    let words = error
        .downcast_ref::<Failure>()
        .map(|failure| failure.why.clone())
        .unwrap_or_default();
    let project = root
        .settings()
        .map(|settings| settings.project_id)
        .unwrap_or_default();
    let next = if words.contains("bucket doesn't exist") || words.contains("does not exist") {
        format!(
            "apply bootstrap first: cargo xtask infra up --env {}",
            root.name
        )
    } else {
        format!(
            "log in (gcloud auth application-default login), and look whether you may read the project {project}; behind a proxy set HTTPS_PROXY"
        )
    };
    let kind = if words.contains("rror") && words.contains("lock file") {
        Kind::Check
    } else {
        Kind::Unreachable
    };
    Failure::new(
        kind,
        format!("terraform cannot be initialised for {}", root.name),
        words,
        next,
    )
    .into()
}
