//! What `setup` was given for the development cluster of this checkout, so that later commands need not be given it again.
//!
//! Kept in the user's state folder, not in the repository: which cluster somebody uses is nobody else's business, and a commit
//! for it would make another image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cli::{ClusterArgs, EnvironmentName, ReleaseArgs};

/// The cluster and the release on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Remembered {
    pub(crate) context: Option<String>,
    /// Absolute paths.
    pub(crate) values: Vec<PathBuf>,
    pub(crate) domain: Option<String>,
    pub(crate) repository: Option<String>,
}

impl Remembered {
    /// What is remembered of the environment; nothing of production, where every command names all it uses.
    pub(crate) fn read(environment: EnvironmentName) -> Result<Self> {
        match file(environment)? {
            Some(file) => Self::read_file(&file),
            None => Ok(Self::default()),
        }
    }

    fn read_file(file: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: delete it", file.display()))
    }

    /// Keeps it, where the environment may be remembered; returns the file.
    pub(crate) fn write(&self, environment: EnvironmentName) -> Result<Option<PathBuf>> {
        let Some(file) = file(environment)? else {
            return Ok(None);
        };
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Some(file))
    }

    /// Forgets the cluster.
    pub(crate) fn forget(environment: EnvironmentName) -> Result<()> {
        let Some(file) = file(environment)? else {
            return Ok(());
        };
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot delete {}", file.display()))
            }
            _ => Ok(()),
        }
    }

    /// This, with what was given now in place of what was remembered.
    pub(crate) fn with(mut self, cluster: &ClusterArgs, release: &ReleaseArgs) -> Result<Self> {
        let absolute = |file: &PathBuf| std::path::absolute(file).map_err(anyhow::Error::from);
        self.context = cluster.context.clone().or(self.context);
        if !release.values.is_empty() {
            self.values = release.values.iter().map(absolute).collect::<Result<_>>()?;
        }
        self.domain = release.domain.clone().or(self.domain);
        self.repository = release.repository.clone().or(self.repository);
        Ok(self)
    }
}

/// The context to use: the one given now, or the one remembered.
pub(crate) fn context(cluster: &ClusterArgs) -> Result<Option<String>> {
    match &cluster.context {
        Some(context) => Ok(Some(context.clone())),
        None => Ok(Remembered::read(cluster.env)?.context),
    }
}

/// The file of the environment for this checkout.
fn file(environment: EnvironmentName) -> Result<Option<PathBuf>> {
    if environment != EnvironmentName::Dev {
        return Ok(None);
    }
    let checkout = std::env::current_dir().context("cannot determine the current folder")?;
    let state = folder(
        std::env::var_os("XDG_STATE_HOME").map(PathBuf::from),
        std::env::var_os("HOME").map(PathBuf::from),
    );
    Ok(state.map(|state| state.join(name(&checkout, environment))))
}

/// The user's state folder by the XDG base directory specification, which has relative paths ignored.
fn folder(state: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let state = state.filter(|folder| folder.is_absolute());
    let home = home.filter(|folder| !folder.as_os_str().is_empty());
    let state = state.or_else(|| home.map(|home| home.join(".local/state")))?;
    Some(state.join("roster"))
}

fn name(checkout: &Path, environment: EnvironmentName) -> String {
    let digest = crate::image::digest(checkout.as_os_str().as_encoded_bytes());
    let digest = digest.trim_start_matches("sha256:");
    format!("{}-{}.json", environment.name(), &digest[..16])
}

#[cfg(test)]
mod tests {
    use super::{Remembered, folder, name};
    use crate::cli::{ClusterArgs, EnvironmentName, ReleaseArgs};
    use std::path::{Path, PathBuf};

    #[test]
    fn each_checkout_has_its_own_and_production_none() {
        let dev = |path: &str| name(Path::new(path), EnvironmentName::Dev);
        assert_ne!(dev("/one"), dev("/two"));
        assert_eq!(dev("/one"), dev("/one"));
        let production = EnvironmentName::Production;
        assert_eq!(
            Remembered::read(production).expect("is read"),
            Remembered::default()
        );
        let written = Remembered::default().write(production);
        assert_eq!(written.expect("is not written"), None);
    }

    #[test]
    fn the_state_folder_is_the_one_of_xdg() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(folder(path("/s"), path("/h")), path("/s/roster"));
        assert_eq!(
            folder(path("s"), path("/h")),
            path("/h/.local/state/roster")
        );
        assert_eq!(folder(None, path("")), None);
    }

    #[test]
    fn what_is_given_now_replaces_what_was_remembered() {
        let old = Remembered {
            context: Some("old".into()),
            values: vec!["/old.yaml".into()],
            domain: Some("old.test".into()),
            repository: Some("old/roster".into()),
        };
        let cluster = |context: Option<&str>| ClusterArgs {
            env: EnvironmentName::Dev,
            context: context.map(str::to_owned),
        };
        let nothing = ReleaseArgs::default();
        let same = old.clone().with(&cluster(None), &nothing);
        assert_eq!(same.expect("merges"), old);
        let given = ReleaseArgs {
            values: vec!["/new.yaml".into()],
            ..nothing
        };
        let new = old.clone().with(&cluster(Some("new")), &given);
        let new = new.expect("merges");
        assert_eq!(new.context.as_deref(), Some("new"));
        assert_eq!(new.values, [PathBuf::from("/new.yaml")]);
        assert_eq!(new.domain, old.domain);
    }

    #[test]
    fn it_is_read_as_it_was_written_and_a_damaged_file_is_named() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let file = folder.path().join("dev.json");
        let none = Remembered::read_file(&file).expect("is read");
        assert_eq!(none, Remembered::default());
        std::fs::write(&file, r#"{"context": "kind-a", "values": ["/v.yaml"]}"#).expect("writes");
        let read = Remembered::read_file(&file).expect("is read");
        assert_eq!(read.context.as_deref(), Some("kind-a"));
        std::fs::write(&file, "{").expect("writes");
        let error = Remembered::read_file(&file).expect_err("is damaged");
        assert!(error.to_string().contains("dev.json"), "{error}");
    }
}
