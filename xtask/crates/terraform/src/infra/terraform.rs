//! Runs Terraform in a root, initialised with the root's state bucket, with the data directory outside of the sources.
//!
//! It knows how to call Terraform, not what is planned.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::infra::root::{BOOTSTRAP, Root};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};
use xtask::tools;

/// The version that the roots require (`required_version`).
pub(crate) const VERSION: &str = "1.11.4";

/// Terraform in one directory.
#[derive(Clone, Debug)]
pub(crate) struct Terraform {
    folder: PathBuf,
    data: PathBuf,
}

impl Terraform {
    /// For a directory of sources and one for providers and backend settings, which may be relative to the repository.
    pub(crate) fn new(folder: &Path, data: &Path) -> Result<Self> {
        // Terraform takes its data folder relative to -chdir.
        let data = std::path::absolute(data).context("cannot determine the working directory")?;
        Ok(Self {
            folder: folder.to_owned(),
            data,
        })
    }

    /// Initialised for planning: state from the bucket, providers from the lock file.
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
                "without it, a provider that was replaced in the registry would run unnoticed",
                format!(
                    "cargo xtask infra lock --env {}   and commit the result",
                    root.name
                ),
            )
            .into());
        }
        if root.name != BOOTSTRAP || has_remote_state(root) {
            init = init.arg(format!("-backend-config=bucket={}", root.state_bucket()?));
        }
        init.output().map_err(|error| unreachable(&error, root))?;
        Ok(terraform)
    }

    /// `terraform -chdir=… <subcommand>`, without prompts and colours.
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

/// Refuses any version of Terraform but the one that the roots require.
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
        format!("terraform {VERSION} is required, {found} is installed"),
        "a newer Terraform would write a state that this one cannot read",
        format!("install terraform {VERSION}: https://releases.hashicorp.com/terraform/{VERSION}/"),
    )
    .into())
}

/// Distinguishes an unreachable registry, bucket or account from other failures of `init`.
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
            "log in (gcloud auth application-default login), and check your access to the project {project}; behind a proxy, set HTTPS_PROXY"
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
