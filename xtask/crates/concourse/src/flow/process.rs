//! A process group, ended as a whole by a timeout or Ctrl-C, so that nothing is left behind.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::Ended;
use xtask::interrupt;
use xtask::run_tool::tool;

/// Polling interval.
const GLANCE: Duration = Duration::from_millis(50);
/// Time to clean up after SIGTERM.
const GRACE: Duration = Duration::from_secs(30);

/// Runs it within its timeout; `interruptible` unless it cleans up after an interruption.
pub(crate) fn run(command: &mut Command, limit: Option<Duration>, interruptible: bool) -> Ended {
    let begun = Instant::now();
    let mut child = match command.process_group(0).spawn() {
        Ok(child) => child,
        Err(error) => {
            return Ended::Errored(format!("{}: {error}", command.get_program().display()));
        }
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ended::Passed,
            // As a shell reports it: 128 plus the signal.
            Ok(Some(status)) => {
                return Ended::Failed(
                    status
                        .code()
                        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
                );
            }
            Ok(None) => {}
            Err(error) => return Ended::Errored(error.to_string()),
        }
        if interruptible && interrupt::requested() {
            end(&mut child);
            return Ended::Interrupted;
        }
        if limit.is_some_and(|limit| begun.elapsed() > limit) {
            end(&mut child);
            return Ended::TimedOut;
        }
        std::thread::sleep(GLANCE);
    }
}

fn end(child: &mut Child) {
    let signal = |name: &str| {
        let group = format!("-{}", child.id());
        let _ = tool("kill").args([name, "--", &group]).quiet().output();
    };
    signal("-TERM");
    let stopped_at = Instant::now();
    while stopped_at.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(GLANCE);
    }
    // The remaining processes of the group.
    let group = format!("-{}", child.id());
    let _ = tool("kill").args(["-KILL", "--", &group]).quiet().output();
    let _ = child.wait();
}

/// A duration in Concourse's format: `90s`, `10m`, `1h30m`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        let (seconds, unit) = [("ms", 0), ("s", 1), ("m", 60), ("h", 3600)]
            .into_iter()
            .find_map(|(unit, seconds)| {
                rest[digits..].starts_with(unit).then_some((seconds, unit))
            })?;
        total += if unit == "ms" {
            Duration::from_millis(number)
        } else {
            Duration::from_secs(number * seconds)
        };
        rest = &rest[digits + unit.len()..];
    }
    Some(total)
}
