//! Whether the branches that the pipelines watch exist: Concourse accepts a pipeline of a branch that does not, and then
//! never starts a job of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use crate::concourse::Pipeline;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// The branches of each repository, by its address.
pub(super) type Watched = BTreeMap<String, BTreeSet<String>>;

/// The branches that these pipelines' git resources and locks name.
pub(super) fn watched<'a>(
    pipelines: impl Iterator<Item = &'a Pipeline>,
    variables: &BTreeMap<String, Value>,
) -> Watched {
    let mut watched = Watched::new();
    for resource in pipelines.flat_map(|pipeline| &pipeline.resources) {
        let field = |name: &str| resource.source.get(name).and_then(Value::as_str);
        let (Some(uri), Some(branch)) = (field("uri"), field("branch")) else {
            continue;
        };
        let variable = uri
            .strip_prefix("((")
            .and_then(|rest| rest.strip_suffix("))"));
        let value = variable.and_then(|name| variables.get(name)?.as_str());
        watched
            .entry(value.unwrap_or(uri).to_owned())
            .or_default()
            .insert(branch.to_owned());
    }
    watched
}

/// Fails if a repository lacks a branch. One that cannot be read with this person's credentials is reported as not
/// verified: Concourse has a key of its own.
pub(super) fn check(watched: &Watched) -> Result<()> {
    let mut missing = Vec::new();
    for (uri, branches) in watched {
        match heads(uri) {
            Ok(heads) => {
                let absent = branches.iter().filter(|branch| !heads.contains(*branch));
                missing.extend(absent.map(|branch| format!("{uri} has no branch {branch}")));
            }
            Err(why) => printing::eprintln!(
                "not verified: whether {uri} has the branches {}: {}",
                branches
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
                reason(&why)
            ),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        "the pipelines would watch branches that do not exist",
        missing.join("\n"),
        "create each, for example: git push origin main:refs/heads/develop   (concourse/README.md)",
    )
    .into())
}

/// Why a repository cannot be read: the first line of git's own message.
fn reason(error: &anyhow::Error) -> String {
    let why = error.downcast_ref::<Failure>().map(|failure| &failure.why);
    let said = why.and_then(|why| why.split_once("its output:"));
    let first = said.and_then(|(_, said)| said.lines().find(|line| !line.trim().is_empty()));
    first.map_or_else(|| error.to_string(), |line| line.trim().to_owned())
}

/// The names of a repository's branches.
fn heads(uri: &str) -> Result<BTreeSet<String>> {
    let listed = tool("git")
        .args(["ls-remote", "--heads", "--", uri])
        .env("GIT_TERMINAL_PROMPT", "0")
        .env(
            "GIT_SSH_COMMAND",
            "ssh -o BatchMode=yes -o ConnectTimeout=10",
        )
        .quiet()
        .output()?;
    let names = listed
        .lines()
        .filter_map(|line| line.split_once("refs/heads/"));
    Ok(names.map(|(_, name)| name.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Watched, check, heads, reason, watched};
    use xtask::failure::exit_code;
    use xtask::run_tool::tool;

    /// A repository whose only branch is `main`, as a new one is.
    struct Repository(PathBuf);

    impl Repository {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("roster-branches-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            let repository = Self(folder);
            repository.git(&["init", "--quiet", "--initial-branch", "main"]);
            repository.git(&["commit", "--quiet", "--allow-empty", "--message", "first"]);
            repository
        }

        fn git(&self, arguments: &[&str]) {
            std::fs::create_dir_all(&self.0).expect("a folder");
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.test"];
            tool("git")
                .args(identity)
                .args(arguments)
                .current_dir(&self.0)
                .quiet()
                .output()
                .expect("git runs");
        }

        fn watched(&self) -> Watched {
            let branches = ["develop", "master"].map(str::to_owned);
            Watched::from([(self.0.display().to_string(), branches.into())])
        }
    }

    impl Drop for Repository {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_clone_with_main_alone_is_refused_with_the_missing_branches() {
        let repository = Repository::new("main");
        repository.git(&["branch", "master"]);
        let error = check(&repository.watched()).expect_err("develop is missing");
        assert_eq!(exit_code(&error), 5);
        let failure = error.downcast_ref::<xtask::failure::Failure>();
        let why = &failure.expect("is a failure").why;
        assert!(
            why.ends_with("has no branch develop") && !why.contains("master"),
            "{why}"
        );
        repository.git(&["branch", "develop"]);
        check(&repository.watched()).expect("has both");
    }

    #[test]
    fn a_repository_that_this_person_cannot_read_is_no_reason_to_refuse() {
        let watched =
            Watched::from([("/nowhere/at/all".to_owned(), ["develop".to_owned()].into())]);
        check(&watched).expect("is only reported");
        let error = heads("/nowhere/at/all").expect_err("there is nothing");
        assert!(
            reason(&error).contains("does not appear to be a git repository"),
            "{}",
            reason(&error)
        );
    }

    #[test]
    fn branches_are_those_of_the_pipelines_own_resources() {
        xtask::run_tool::enter_repository_root().expect("is there");
        let (pipelines, variables) = super::super::read().expect("are read");
        let watched = watched(pipelines.iter().map(|(_, pipeline)| pipeline), &variables);
        let of = |uri: &str| {
            watched
                .get(variables[uri].as_str().expect("a text"))
                .cloned()
        };
        assert_eq!(
            of("source_uri"),
            Some(["develop", "master"].map(str::to_owned).into())
        );
        assert_eq!(of("locks_uri"), Some(["main".to_owned()].into()));
    }
}
