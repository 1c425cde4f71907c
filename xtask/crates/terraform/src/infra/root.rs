//! The Terraform roots in this repository: bootstrap and the environments.
//!
//! A root is a directory that is planned and applied separately. Its settings are in its `terraform.tfvars`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::infra::settings::Settings;
use xtask::failure::{Failure, Kind};

/// The folder of all Terraform.
pub const FOLDER: &str = "terraform";
/// The root that is applied once, before any environment.
pub const BOOTSTRAP: &str = "bootstrap";
/// The suffix of the project id in the state bucket's name (bootstrap/state-bucket.tf).
const STATE_BUCKET_SUFFIX: &str = "-terraform-state";

/// A directory that Terraform plans and applies separately.
#[derive(Clone, Debug)]
pub struct Root {
    /// `dev`, `production`, … or `bootstrap`.
    pub name: String,
    /// Its directory.
    pub folder: PathBuf,
    /// Directory of its plans, provider copies and logs, readable only by the owner.
    pub work: PathBuf,
}

impl Root {
    /// The root of this name.
    pub fn find(name: &str) -> Result<Self> {
        let known = names()?;
        if !known.iter().any(|one| one == name) {
            return Err(Failure::new(
                Kind::Usage,
                format!("unknown environment {name:?}"),
                format!("{FOLDER}/environments has no directory of that name"),
                format!("use one of: {}", known.join(", ")),
            )
            .into());
        }
        let folder = if name == BOOTSTRAP {
            Path::new(FOLDER).join(BOOTSTRAP)
        } else {
            Path::new(FOLDER).join("environments").join(name)
        };
        Ok(Self {
            name: name.to_owned(),
            folder,
            work: Path::new("target/infra").join(name),
        })
    }

    /// Whether destroying requires the resource's address, so that `--yes` is not enough.
    pub fn is_guarded(&self) -> bool {
        self.name == "production" || self.name == BOOTSTRAP
    }

    /// Its settings in `terraform.tfvars`.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let file = self.folder.join("terraform.tfvars");
        if !file.is_file() {
            let example = self.folder.join("terraform.tfvars.example");
            return Err(Failure::new(
                Kind::Usage,
                format!("{} has no settings yet", self.name),
                format!("{} does not exist", file.display()),
                format!(
                    "cp {} {}   and fill in project and domain",
                    example.display(),
                    file.display()
                ),
            )
            .into());
        }
        Settings::read(&file)
    }

    /// The bucket with its state.
    pub fn state_bucket(&self) -> Result<String> {
        Ok(format!(
            "{}{STATE_BUCKET_SUFFIX}",
            self.settings()?.project_id
        ))
    }

    /// Creates the working directory, private because plans contain secrets.
    pub fn make_work_folder(&self) -> Result<()> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.work)
            .and_then(|()| {
                // It may have existed with wider permissions.
                std::fs::set_permissions(&self.work, std::fs::Permissions::from_mode(0o700))
            })
            .with_context(|| format!("cannot make {}", self.work.display()))
    }
}

/// Every root, environments first.
pub fn names() -> Result<Vec<String>> {
    let folder = Path::new(FOLDER).join("environments");
    let mut names = Vec::new();
    for entry in
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        if entry.path().join("versions.tf").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.push(BOOTSTRAP.to_owned());
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::STATE_BUCKET_SUFFIX;
    use xtask::run_tool::repository_root;

    #[test]
    fn the_state_bucket_has_the_name_that_bootstrap_gives_it() {
        let file = repository_root().join("terraform/bootstrap/state-bucket.tf");
        let text = std::fs::read_to_string(file).expect("bootstrap has a state bucket");
        assert!(
            text.contains(&format!("\"${{var.project.id}}{STATE_BUCKET_SUFFIX}\"")),
            "bootstrap names the bucket otherwise"
        );
    }
}
