//! Progress on standard error: one line that is written again on a terminal, nothing elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How often the line is written.
const INTERVAL: Duration = Duration::from_millis(200);
/// The cells of a bar.
const BAR: u64 = 30;

/// The progress of a transfer.
pub(super) struct Progress {
    label: &'static str,
    /// The bytes in all, where they are known.
    total: Option<u64>,
    begun: Instant,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new(label: &'static str, total: Option<u64>) -> Self {
        Self {
            label,
            total,
            begun: Instant::now(),
            shown: None,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// So many users and bytes were transferred by now.
    pub(super) fn show(&mut self, users: u64, bytes: u64) {
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= INTERVAL);
        if !self.is_terminal || !is_due {
            return;
        }
        self.shown = Some(Instant::now());
        let line = line(self.label, users, bytes, self.total, self.begun.elapsed());
        printing::eprint!("\r\x1b[K{line}");
    }

    /// Removes the line; how fast it was in all.
    pub(super) fn end(self, users: u64) -> String {
        if self.shown.is_some() {
            printing::eprint!("\r\x1b[K");
        }
        let elapsed = self.begun.elapsed();
        format!(
            "{:.1} s, {} users/s",
            elapsed.as_secs_f64(),
            rate(users, elapsed)
        )
    }
}

fn line(label: &str, users: u64, bytes: u64, total: Option<u64>, elapsed: Duration) -> String {
    let (rate, megabytes) = (rate(users, elapsed), bytes / 1_000_000);
    match total.filter(|total| *total > 0) {
        Some(total) => {
            let done = bytes.min(total);
            let cells = usize::try_from(done * BAR / total).unwrap_or(0);
            let percent = done * 100 / total;
            format!(
                "{label} [{:<30}] {percent:>3} %, {users} users, {rate}/s",
                "#".repeat(cells)
            )
        }
        None => format!("{label} {users} users, {megabytes} MB, {rate}/s"),
    }
}

fn rate(users: u64, elapsed: Duration) -> u64 {
    let ms = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    users.saturating_mul(1000) / ms
}

#[cfg(test)]
mod tests {
    use super::line;
    use std::time::Duration;

    #[test]
    fn a_line_says_how_much_and_how_fast() {
        let two = Duration::from_secs(2);
        assert_eq!(
            line("import", 500, 50, Some(200), two),
            "import [#######                       ]  25 %, 500 users, 250/s"
        );
        assert_eq!(
            line("export", 500, 3_000_000, None, two),
            "export 500 users, 3 MB, 250/s"
        );
    }
}
