//! Runs other programs: prints the command dimmed on stderr, then runs it.
//!
//! Never pass secrets as arguments, which a process list shows: use [`Run::secret_env`] or [`Run::stdin`]. Only the
//! name of a secret variable is printed.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anstyle::Style;
use anyhow::{Context, Result};

use crate::failure::{Failure, Kind};
use crate::tools;

/// A program to run, and its printed form.
#[must_use = "nothing runs before `run` or `output`"]
pub struct Run {
    command: Command,
    program: String,
    shown: String,
    stdin: Option<Vec<u8>>,
    quiet: bool,
}

/// Starts building a command: `tool("helm").args(["lint", "helm-chart"]).run()?`.
pub fn tool(program: impl Into<String>) -> Run {
    let program = program.into();
    Run {
        command: Command::new(tools::path(&program).unwrap_or_else(|| PathBuf::from(&program))),
        shown: program.clone(),
        program,
        stdin: None,
        quiet: false,
    }
}

impl Run {
    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown
            .push_str(&quoted(&arg.as_ref().to_string_lossy()));
        self.command.arg(arg);
        self
    }

    /// Adds several arguments.
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable and prints it before the command.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.shown = format!(
            "{name}={} {}",
            quoted(&value.as_ref().to_string_lossy()),
            self.shown
        );
        self.command.env(name, value);
        self
    }

    /// Removes a variable.
    pub fn unset(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Sets a variable whose value is never shown.
    pub fn secret_env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.shown = format!("{name}=… {}", self.shown);
        self.command.env(name, value.into());
        self
    }

    /// Runs in this directory instead of the repository's root.
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.shown = format!("(cd {}) {}", folder.as_ref().display(), self.shown);
        self.command.current_dir(folder);
        self
    }

    /// Feeds these bytes to the program.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Writes the program's stdout to this file.
    pub fn stdout_to(mut self, path: &Path) -> Result<Self> {
        let file = std::fs::File::create(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        self.shown = format!("{} > {}", self.shown, quoted(&path.to_string_lossy()));
        self.command.stdout(file);
        Ok(self)
    }

    /// The command as it is printed, fit to be pasted into a shell.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Does not print the command: for queries, not for steps.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Runs it with inherited output; a non-zero exit is a failure.
    pub fn run(mut self) -> Result<()> {
        let status = self.status()?;
        if status.success() {
            return Ok(());
        }
        // SIGPIPE: the reader of our output, which it inherits, has seen enough.
        if status.signal() == Some(13) || status.code() == Some(141) {
            let what = format!("nobody reads the output of {}", self.program);
            return Err(Failure::reported(Kind::ClosedPipe, what).into());
        }
        Err(self.failed(status, ""))
    }

    /// Runs it with inherited output; returns its exit status.
    pub fn status(&mut self) -> Result<ExitStatus> {
        self.print();
        if self.stdin.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self
            .command
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        self.feed(&mut child)?;
        child
            .wait()
            .with_context(|| format!("cannot wait for {}", self.program))
    }

    /// Runs it, with its stdout read by `reader` while it runs. A non-zero exit is a failure.
    pub fn read<T>(
        mut self,
        reader: impl FnOnce(std::process::ChildStdout) -> Result<T>,
    ) -> Result<T> {
        self.print();
        self.command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        let stdout = child.stdout.take();
        let read = reader(stdout.with_context(|| format!("{} has no stdout", self.program))?);
        let status = child
            .wait()
            .with_context(|| format!("cannot wait for {}", self.program))?;
        if status.success() {
            return read;
        }
        Err(self.failed(status, ""))
    }

    /// Sends its output, stdout and stderr, to this open file: a reader that goes away does not end it.
    pub fn output_to(mut self, file: &std::fs::File) -> Result<Self> {
        self.command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file.try_clone()?);
        Ok(self)
    }

    /// Starts it with inherited output without waiting.
    pub fn spawn(mut self) -> Result<std::process::Child> {
        self.print();
        self.command
            .spawn()
            .map_err(|error| self.not_started(&error))
    }

    /// Runs it; returns its exit status and output, for any status.
    pub fn outcome(mut self) -> Result<std::process::Output> {
        self.print();
        self.command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.not_started(&error))
    }

    /// Runs it; returns its stdout as text. A non-zero exit is a failure with its stderr.
    pub fn output(mut self) -> Result<String> {
        self.print();
        self.command.stdin(if self.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        self.feed(&mut child)?;
        let output = child
            .wait_with_output()
            .with_context(|| format!("cannot wait for {}", self.program))?;
        if !output.status.success() {
            return Err(self.failed(output.status, &String::from_utf8_lossy(&output.stderr)));
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("the output of {} is not valid UTF-8", self.program))
    }

    fn print(&self) {
        const DIMMED: Style = Style::new().dimmed();
        if !self.quiet {
            printing::eprintln!("{DIMMED}$ {}{DIMMED:#}", self.shown);
        }
    }

    fn feed(&mut self, child: &mut std::process::Child) -> Result<()> {
        if let (Some(bytes), Some(mut pipe)) = (self.stdin.take(), child.stdin.take()) {
            pipe.write_all(&bytes)
                .with_context(|| format!("{} did not read its input", self.program))?;
        }
        Ok(())
    }

    fn not_started(&self, error: &std::io::Error) -> anyhow::Error {
        if error.kind() == std::io::ErrorKind::NotFound {
            return tools::missing(&self.program);
        }
        let what = format!("cannot start {}", self.program);
        Failure::new(
            Kind::Missing,
            what,
            error.to_string(),
            format!("run it by hand: {}", self.shown),
        )
        .into()
    }

    fn failed(&self, status: ExitStatus, stderr: &str) -> anyhow::Error {
        let kind = if status.signal() == Some(2) || status.code() == Some(130) {
            Kind::Interrupted
        } else {
            Kind::Check
        };
        let why = match stderr.trim() {
            "" => format!("it exited with {status}; its output is above"),
            words => format!("it exited with {status}; its output:\n{words}"),
        };
        let next = format!(
            "fix the reported problem, then run it again: {}",
            self.shown
        );
        Failure::new(kind, format!("{} failed", self.program), why, next).into()
    }
}

/// Changes to the repository's root.
pub fn enter_repository_root() -> Result<()> {
    let root = repository_root();
    std::env::set_current_dir(&root).with_context(|| format!("cannot enter {}", root.display()))
}

/// The repository's root, the directory with `Cargo.lock`: above the crate that cargo runs, or else above this crate's
/// sources.
pub fn repository_root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Quotes an argument so that the printed line can be pasted into a shell.
pub fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, tool};
    use crate::failure::exit_code;

    #[test]
    fn what_is_printed_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("--set=a.b=c"), "--set=a.b=c");
        assert_eq!(quoted("it's two words"), r"'it'\''s two words'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let run = tool("psql").secret_env("PGPASSWORD", "hunter2").arg("-l");
        assert_eq!(run.shown, "PGPASSWORD=… psql -l");
    }

    #[test]
    fn a_program_that_is_not_installed_exits_with_3() {
        let error = tool("no-such-program-at-all")
            .quiet()
            .output()
            .expect_err("cannot be installed");
        assert_eq!(exit_code(&error), 3);
    }

    #[test]
    fn a_tool_whose_reader_has_gone_is_not_reported() {
        for script in ["kill -PIPE $$", "exit 141"] {
            let run = tool("sh").args(["-c", script]).quiet().run();
            let error = run.expect_err("did not succeed");
            let failure = error.downcast_ref::<crate::failure::Failure>();
            assert!(failure.is_some_and(|failure| failure.is_reported));
            assert_eq!(exit_code(&error), 141, "{script}");
        }
    }

    #[test]
    fn a_program_that_fails_shows_its_own_words() {
        let error = tool("sh")
            .args(["-c", "echo oh dear >&2; exit 9"])
            .quiet()
            .output()
            .expect_err("exits with 9");
        let failure = error
            .downcast_ref::<crate::failure::Failure>()
            .expect("is a failure");
        assert!(failure.why.contains("oh dear"), "{}", failure.why);
        assert_eq!(exit_code(&error), 1);
    }
}
