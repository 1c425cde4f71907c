//! The commit that an image is built from.

use anyhow::Result;

use xtask::run_tool::tool;

/// The current commit.
pub struct Commit {
    /// All 40 hexadecimal digits of it.
    pub revision: String,
    /// None on a detached head, as in a pipeline.
    pub branch: Option<String>,
    /// When it was made, as RFC 3339 in UTC.
    pub(crate) created: String,
    /// When it was made, in seconds since 1970.
    pub(crate) seconds: u64,
    /// Whether the working tree differs from it.
    pub(crate) dirty: bool,
}

impl Commit {
    /// Runs git.
    pub fn read() -> Result<Self> {
        let git = |args: &[&str]| -> Result<String> {
            let run = tool("git").args(args).env("TZ", "UTC").quiet();
            Ok(run.output()?.trim().to_owned())
        };
        // `%cI` would use the committer's time zone.
        let seconds = git(&["log", "-1", "--format=%ct"])?.parse()?;
        let created = git(&[
            "log",
            "-1",
            "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
            "--format=%cd",
        ]);
        let branch = git(&["branch", "--show-current"])?;
        Ok(Self {
            revision: git(&["rev-parse", "HEAD"])?,
            branch: Some(branch).filter(|branch| !branch.is_empty()),
            created: created?,
            seconds,
            dirty: !git(&["status", "--porcelain"])?.is_empty(),
        })
    }

    /// The tag of what is built from it.
    pub(crate) fn tag(&self) -> String {
        let tag = self.clean_tag();
        if self.dirty {
            format!("{tag}-dirty")
        } else {
            tag
        }
    }

    /// The tag of this commit, which a deploy looks up first.
    pub fn clean_tag(&self) -> String {
        format!("sha-{}", &self.revision[..12.min(self.revision.len())])
    }
}

/// Of a subject, this much is kept.
const LONGEST_SUBJECT: usize = 100;

/// The first line of a commit's message, if this checkout has the commit.
pub(crate) fn subject(revision: &str) -> Option<String> {
    let read = tool("git")
        .args(["log", "-1", "--format=%s"])
        .arg(format!("{revision}^{{commit}}"))
        .quiet()
        .output();
    let subject = read.ok()?;
    // Helm's own descriptions of failures have quotation marks, by which they are recognised.
    let subject = subject.trim().replace('"', "'");
    Some(subject.chars().take(LONGEST_SUBJECT).collect())
}
