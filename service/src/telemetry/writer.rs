//! The consumer's side of a queue: a thread that formats and writes, and survives any failure of its destination.
//!
//! Failed writes are retried; meanwhile lines wait in the queue, and further ones are dropped and counted by the
//! producer. A failure is logged once, and so is its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::Level;

use super::batch::Batch;
use super::entry::{Entry, Value};
use super::format::Format;
use super::output::Output;
use super::sinks::{SinkState, Sinks};

/// Lines per batch.
const BATCH_LINES: usize = 256;
/// When the queue is empty, the writer sleeps briefly before it waits to be woken: a wake-up costs a request a system
/// call, a short sleep does not.
const NAP: Duration = Duration::from_millis(5);
const NAPS: u32 = 20;
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(1);
/// A failure is over when nothing was lost for this long.
const QUIET: Duration = Duration::from_secs(2);

pub(super) struct Writer {
    pub(super) name: &'static str,
    pub(super) queue: Receiver<Entry>,
    pub(super) state: Arc<SinkState>,
    pub(super) sinks: Arc<Sinks>,
    pub(super) format: Format,
    pub(super) output: Box<dyn Output>,
    pub(super) batch: Batch,
    pub(super) trouble: Trouble,
}

/// The failure since the last recovery.
#[derive(Default)]
pub(super) struct Trouble {
    last: Option<Instant>,
    lost_before: u64,
    lost_seen: u64,
}

impl Trouble {
    fn seen(&mut self) {
        if self.last.is_none() {
            self.lost_before = self.lost_seen;
        }
        self.last = Some(Instant::now());
    }
}

impl Writer {
    /// Runs until it is stopped and the queue is empty.
    pub(super) fn run(mut self) {
        let mut naps = 0;
        loop {
            self.fill();
            if self.state.reopen.swap(false, Ordering::Relaxed) {
                self.reopen();
            }
            self.watch_losses();
            if !self.batch.is_empty() {
                let is_full = self.batch.lines_left() >= BATCH_LINES;
                self.deliver();
                naps = 0;
                // Under load, lines arrive one after the other: without a pause, each would be a separate call.
                if !is_full && !self.state.stop.load(Ordering::Relaxed) {
                    thread::sleep(NAP);
                }
            } else if self.state.stop.load(Ordering::Relaxed) {
                return;
            } else if naps < NAPS {
                naps += 1;
                thread::sleep(NAP);
            } else if !self.sleep_until_woken() {
                return;
            }
        }
    }

    fn fill(&mut self) {
        while self.batch.lines_left() < BATCH_LINES {
            let Ok(entry) = self.queue.try_recv() else {
                return;
            };
            self.add(&entry);
        }
    }

    fn add(&mut self, entry: &Entry) {
        if !matches!(entry, Entry::Wake) {
            let format = &self.format;
            self.batch
                .push(self.output.framing(), |line| format.append(entry, line));
        }
    }

    /// Returns false if there is no producer left.
    fn sleep_until_woken(&mut self) -> bool {
        let received = if self.trouble.last.is_some() {
            self.queue.recv_timeout(QUIET)
        } else {
            self.queue
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(entry) => self.add(&entry),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// Writes the batch, however long that takes; gives up only at shutdown.
    fn deliver(&mut self) {
        let mut pause = RETRY_FIRST;
        loop {
            let result = self.output.write(&mut self.batch);
            let dropped = self.batch.take_dropped();
            self.state.lost.fetch_add(dropped, Ordering::Relaxed);
            let Err(error) = result else {
                break;
            };
            self.failed(&error);
            if self.state.stop.load(Ordering::Relaxed) {
                self.give_up(&error);
                break;
            }
            self.pause(pause);
            pause = (pause * 2).min(RETRY_LONGEST);
            if self.state.reopen.swap(false, Ordering::Relaxed) {
                self.reopen();
            }
        }
        self.batch.clear();
    }

    fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let urgent =
            || self.state.stop.load(Ordering::Relaxed) || self.state.reopen.load(Ordering::Relaxed);
        while !urgent() && Instant::now() < until {
            thread::sleep(NAP);
        }
    }

    fn reopen(&mut self) {
        if let Err(error) = self.output.reopen() {
            self.sinks.say(
                Level::WARN,
                format!(
                    "cannot reopen the log {} ({error}); the previous one stays in use. Fix the path \
                        and send SIGHUP again",
                    self.output.describe()
                ),
                vec![("sink", Value::text(self.name))],
            );
        }
    }

    fn failed(&mut self, error: &io::Error) {
        self.trouble.seen();
        if self.state.said.swap(true, Ordering::Relaxed) {
            return;
        }
        let destination = self.output.describe();
        let message = format!(
            "cannot write the log to {destination} ({error}); retrying every second, lines wait in a \
                queue and further lines are lost"
        );
        if self.name == "stdout" {
            last_resort(&message);
        }
        self.sinks
            .say(Level::WARN, message, vec![("sink", Value::text(self.name))]);
    }

    /// Logs that lines were lost, once no more were lost for a while.
    fn watch_losses(&mut self) {
        let lost = self.state.lost.load(Ordering::Relaxed);
        if lost != self.trouble.lost_seen {
            self.trouble.seen();
            self.trouble.lost_seen = lost;
        }
        if self.trouble.last.is_none_or(|last| last.elapsed() < QUIET) {
            return;
        }
        self.trouble.last = None;
        if self.state.said.swap(false, Ordering::Relaxed) {
            let lines = lost.saturating_sub(self.trouble.lost_before);
            let destination = self.output.describe();
            self.sinks.say(
                Level::WARN,
                format!("the log is written to {destination} again; {lines} lines were lost"),
                vec![
                    ("sink", Value::text(self.name)),
                    ("lost_lines", Value::Unsigned(lines)),
                ],
            );
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        while self.queue.try_recv().is_ok() {
            self.state.lost.fetch_add(1, Ordering::Relaxed);
        }
        let unwritten = u64::try_from(self.batch.lines_left()).unwrap_or(u64::MAX);
        let lost = unwritten + self.state.lost.fetch_add(unwritten, Ordering::Relaxed);
        let destination = self.output.describe();
        last_resort(&format!(
            "{lost} log lines were lost: {destination} cannot be written ({error})"
        ));
    }
}

/// Prints what the log cannot log about itself. Only writers' threads may call it: it may block.
fn last_resort(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(io::stderr(), "roster: {message}");
}
