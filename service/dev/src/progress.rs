//! Progress of long work: a bar on a terminal, otherwise a line per tenth.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    done: AtomicU64,
    total: u64,
}

impl Progress {
    /// Progress in users.
    pub(crate) fn rows(total: u64) -> Self {
        Self::new(
            total,
            "users",
            "  seed {bar:32} {human_pos}/{human_len} users, {per_sec}, {eta} left",
        )
    }

    /// Progress in a few large steps.
    pub(crate) fn steps(total: u64, what: &'static str) -> Self {
        Self::new(total, what, "  seed {bar:32} {pos}/{len} {msg}, {elapsed}")
    }

    /// Progress of a download.
    pub(crate) fn bytes(total: u64) -> Self {
        Self::new(
            total,
            "bytes",
            "  download {bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        )
    }

    fn new(total: u64, what: &'static str, template: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style).with_message(what)
        });
        Self {
            bar,
            what,
            done: AtomicU64::new(0),
            total,
        }
    }

    /// Adds to the number done.
    pub(crate) fn add(&self, count: u64) {
        let before = self.done.fetch_add(count, Ordering::Relaxed);
        let now = before + count;
        match &self.bar {
            Some(bar) if now >= self.total => bar.finish_and_clear(),
            Some(bar) => bar.inc(count),
            None if tenths(before, self.total) < tenths(now, self.total) => {
                printing::eprintln!("  {now} of {} {}", self.total, self.what);
            }
            None => {}
        }
    }
}

fn tenths(done: u64, total: u64) -> u64 {
    done * 10 / total.max(1)
}
