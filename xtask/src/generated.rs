//! Files, or parts of files, that are made from a source: `cargo xtask generate` writes them, `--check` compares them.
//!
//! A subject's crate says which files and texts; this module must not know how any of them is made.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::failure::{Failure, Kind};

/// A file and its expected text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Relative to the repository's root.
    pub path: PathBuf,
    /// The whole text; `None` if the file must not exist.
    pub text: Option<String>,
}

/// What to do with files that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Write,
    Compare,
}

impl Mode {
    /// The mode of a command line with or without `--check`.
    pub fn of(check: bool) -> Self {
        if check { Self::Compare } else { Self::Write }
    }
}

impl Generated {
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: Some(text.into()),
        }
    }

    /// A file that nothing needs any more.
    pub fn obsolete(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            text: None,
        }
    }

    fn present(&self) -> Option<String> {
        std::fs::read_to_string(&self.path).ok()
    }

    fn write(&self) -> Result<()> {
        let path = &self.path;
        match &self.text {
            Some(text) => std::fs::write(path, text)
                .with_context(|| format!("cannot write {}", path.display()))?,
            None => std::fs::remove_file(path)
                .with_context(|| format!("cannot delete {}", path.display()))?,
        }
        let done = if self.text.is_some() {
            "wrote"
        } else {
            "deleted"
        };
        printing::eprintln!("{done} {}", path.display());
        Ok(())
    }

    /// What differs, in one line.
    fn difference(&self, present: Option<&str>) -> String {
        let what = match (present, self.text.as_deref()) {
            (None, _) => "does not exist".to_owned(),
            (_, None) => "is not needed any more".to_owned(),
            (Some(present), Some(expected)) => first_difference(present, expected),
        };
        format!("{}: {what}", self.path.display())
    }
}

/// Writes the files that differ, or fails naming each with its first difference.
pub fn apply(area: &str, files: &[Generated], mode: Mode) -> Result<()> {
    let mut differences = Vec::new();
    for file in files {
        let present = file.present();
        if present == file.text {
            continue;
        }
        match mode {
            Mode::Write => file.write()?,
            Mode::Compare => differences.push(file.difference(present.as_deref())),
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!("generated files of {area} do not match their source"),
        differences.join("\n"),
        format!("cargo xtask generate {area}, and commit what changed"),
    )
    .into())
}

/// The text with what is between the two markers replaced; `None` without both markers.
pub fn between(text: &str, begin: &str, end: &str, inner: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{inner}{end}{after}"))
}

fn first_difference(present: &str, expected: &str) -> String {
    let mut lines = present.lines().zip(expected.lines()).enumerate();
    match lines.find(|(_, (present, expected))| present != expected) {
        Some((at, (present, expected))) => format!(
            "line {} is `{}`, must be `{}`",
            at + 1,
            present.trim(),
            expected.trim()
        ),
        None => format!(
            "has {} lines, must have {}",
            present.lines().count(),
            expected.lines().count()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Generated, Mode, apply, between};

    #[test]
    fn writing_brings_every_file_to_its_text_and_comparing_then_passes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("old"), "a\nb\n").expect("writable");
        std::fs::write(path("obsolete"), "x").expect("writable");
        let files = [
            Generated::new(path("old"), "a\nc\n"),
            Generated::new(path("new"), "d\n"),
            Generated::obsolete(path("obsolete")),
        ];
        apply("examples", &files, Mode::Compare).expect_err("all three differ");
        assert_eq!(
            std::fs::read_to_string(path("old")).expect("kept"),
            "a\nb\n"
        );

        apply("examples", &files, Mode::Write).expect("writes");
        apply("examples", &files, Mode::Compare).expect("nothing differs");
        assert_eq!(
            std::fs::read_to_string(path("old")).expect("kept"),
            "a\nc\n"
        );
        assert!(!path("obsolete").exists());
    }

    #[test]
    fn a_difference_is_named_with_file_and_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("table.md");
        std::fs::write(&path, "a\nb\n").expect("writable");
        let error = apply("tables", &[Generated::new(&path, "a\nc\n")], Mode::Compare)
            .expect_err("differs");
        let failure = error.downcast_ref::<Failure>().expect("a failure");
        assert!(
            failure.why.contains("line 2 is `b`, must be `c`"),
            "{}",
            failure.why
        );
        assert!(
            failure.next.contains("cargo xtask generate tables"),
            "{}",
            failure.next
        );
    }

    #[test]
    fn only_the_text_between_the_markers_is_replaced() {
        assert_eq!(
            between("own [old] words", "[", "]", "new").as_deref(),
            Some("own [new] words")
        );
        assert_eq!(between("own words", "[", "]", "new"), None);
    }
}
