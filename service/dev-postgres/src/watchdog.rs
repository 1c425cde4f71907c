//! Stops what was started when its owner exits, however the owner exits.
//!
//! A watchdog is a shell that reads a pipe whose other end only the owner holds. When the owner closes it or is killed,
//! the shell continues and runs its script. It knows nothing about PostgreSQL.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that runs a script once its owner has exited.
#[derive(Debug)]
pub struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Sends SIGTERM to a child of ours when it is released, dropped, or when we are killed.
    pub fn terminate(child: u32) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.process_group(0);
        Self::start(shell, r#"kill -TERM "$1""#, &[child.to_string().as_ref()])
    }

    /// Starts `command`, an `sh` whose environment and account are set, to run `script` with `args` later.
    pub(crate) fn start(
        mut command: Command,
        script: &str,
        args: &[&std::ffi::OsStr],
    ) -> io::Result<Self> {
        // A signal ends the wait, not the shell: stopping the watchdog stops what it guards.
        let script = format!("trap : HUP INT TERM\nread -r _\n{script}");
        command
            .arg("-c")
            .arg(script)
            .arg("dev-postgres-watchdog")
            .args(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(Self {
            shell: command.spawn()?,
        })
    }

    /// Lets the script run.
    pub fn release(&mut self) {
        drop(self.shell.stdin.take());
    }

    /// Stops the watchdog without running its script: what it guarded has already exited.
    pub fn dismiss(&mut self) {
        let _ = self.shell.kill();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.shell.try_wait(), Ok(None))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.release();
        let _ = self.shell.wait();
    }
}
