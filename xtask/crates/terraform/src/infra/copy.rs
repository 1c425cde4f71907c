//! A copy of the Terraform sources for experiments that leave the working tree unchanged.
//!
//! It also contains `prometheus/`, from which the environments read their rules. Lock files are not copied if providers
//! come from a mirror, which may have other builds than the registry.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::infra::terraform::Terraform;

/// The copied tree.
pub(crate) struct Copy {
    base: PathBuf,
}

impl Copy {
    /// Copies the sources below this directory, replacing an older copy but keeping its providers.
    pub(crate) fn make(base: &Path) -> Result<Self> {
        let tree = base.join("tree");
        if tree.exists() {
            std::fs::remove_dir_all(&tree)
                .with_context(|| format!("cannot remove {}", tree.display()))?;
        }
        for folder in ["terraform", "prometheus"] {
            if Path::new(folder).is_dir() {
                copy_folder(Path::new(folder), &tree.join(folder))?;
            }
        }
        Ok(Self {
            base: base.to_owned(),
        })
    }

    /// A path in the copy for a path in the repository.
    pub(crate) fn path(&self, original: &str) -> PathBuf {
        self.base.join("tree").join(original)
    }

    /// Terraform in a directory of the copy.
    pub(crate) fn terraform(&self, folder: &str) -> Result<Terraform> {
        Terraform::new(
            &self.path(folder),
            &self.base.join("data").join(folder.replace('/', "-")),
        )
    }

    /// Keeps a root's state in a temporary local file, so that planning needs no bucket.
    pub(crate) fn use_local_state(&self, folder: &str) -> Result<()> {
        let file = self.path(folder).join("backend_override.tf");
        std::fs::write(&file, "terraform {\n  backend \"local\" {}\n}\n")
            .with_context(|| format!("cannot write {}", file.display()))
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in
        std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?
    {
        let entry = entry?;
        let name = entry.file_name();
        let skip = name == ".terraform"
            || name.to_string_lossy().contains(".tfstate")
            || (name == ".terraform.lock.hcl" && std::env::var_os("TF_CLI_CONFIG_FILE").is_some());
        if skip {
            continue;
        }
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to.join(name))?;
        } else {
            std::fs::copy(entry.path(), to.join(&name))
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}
