//! The location of bootstrap's state: local until its bucket exists, then in the bucket.

use anyhow::Result;

use super::write_file;
use crate::infra::root::Root;
use crate::infra::terraform::Terraform;

/// The backend configuration; the bucket's name is passed when Terraform is initialised.
const BACKEND: &str = "terraform {\n  backend \"gcs\" {\n    prefix = \"bootstrap\"\n  }\n}\n";

/// Whether this machine has a state that is not in the bucket yet.
pub(super) fn has_local_state(root: &Root) -> bool {
    std::fs::metadata(root.folder.join("terraform.tfstate")).is_ok_and(|file| file.len() > 0)
}

/// Configures the bucket as the state's location.
pub(super) fn name_bucket(root: &Root) -> Result<()> {
    write_file(&root.folder.join("backend_override.tf"), BACKEND)
}

/// Moves the state into the bucket and deletes the local copy. Can be called again if interrupted.
pub(super) fn into_bucket(root: &Root, bucket: &str) -> Result<()> {
    name_bucket(root)?;
    Terraform::new(&root.folder, &root.work.join("data"))?
        .command("init")
        .args(["-input=false", "-migrate-state", "-force-copy"])
        .arg(format!("-backend-config=bucket={bucket}"))
        .run()?;
    for name in ["terraform.tfstate", "terraform.tfstate.backup"] {
        // Terraform may have removed it itself.
        let _ = std::fs::remove_file(root.folder.join(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{has_local_state, name_bucket};
    use crate::infra::root::Root;
    use crate::infra::terraform::has_remote_state;

    #[test]
    fn a_state_that_was_moved_is_not_moved_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Root {
            name: "bootstrap".to_owned(),
            folder: folder.path().to_owned(),
            work: folder.path().join("work"),
        };
        assert!(!has_local_state(&root) && !has_remote_state(&root));
        let state = folder.path().join("terraform.tfstate");
        std::fs::write(&state, "{}").expect("writable");
        assert!(has_local_state(&root));
        name_bucket(&root).expect("writable");
        assert!(has_remote_state(&root), "the bucket has no name");
        // Files that Terraform leaves after a move.
        std::fs::write(&state, "").expect("writable");
        assert!(!has_local_state(&root));
    }
}
