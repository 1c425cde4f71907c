//! The steps of a long command: each is announced, timed, and listed at the end.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anstyle::Style;
use anyhow::Result;

use crate::failure::{Failure, Kind};
use crate::interrupt;

const BOLD: Style = Style::new().bold();

/// The completed steps with their durations.
pub struct Steps {
    begun: Instant,
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Starts the clock.
    pub fn begin() -> Self {
        Self {
            begun: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs one step, unless Ctrl-C was pressed.
    pub fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if interrupt::requested() {
            return Err(Failure::new(
                Kind::Interrupted,
                format!("interrupted before the step \"{name}\""),
                "Ctrl-C or SIGTERM",
                "run it again",
            )
            .into());
        }
        printing::eprintln!("{BOLD}> {name}{BOLD:#}");
        let begun = Instant::now();
        let result = work()?;
        self.done.push((name, begun.elapsed()));
        Ok(result)
    }

    /// Every step with its duration, and their sum.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (name, duration) in &self.done {
            let _ = writeln!(text, "{name:<12} {:>7.1} s", duration.as_secs_f64());
        }
        text + &format!(
            "{:<12} {:>7.1} s",
            "all",
            self.begun.elapsed().as_secs_f64()
        )
    }
}
