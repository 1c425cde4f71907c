//! How each step of a flow ended, and the table of it.

use std::fmt::Write;
use std::time::Duration;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// It said no, with this exit code.
    Failed(i32),
    /// It took longer than it may.
    TimedOut,
    /// It could not be run at all.
    Errored(String),
    /// Ctrl-C or SIGTERM came.
    Interrupted,
    /// A step before it ended the flow.
    NotReached,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) job: String,
    pub(crate) step: String,
    pub(crate) ended: Ended,
    pub(crate) took: Duration,
}

/// The whole flow.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
}

impl Outcome {
    /// The step that ended the flow before its end.
    pub(crate) fn stopped_at(&self) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| !matches!(row.ended, Ended::Passed | Ended::NotReached))
    }

    /// Every step with how it ended and how long it took.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{:<10} {:<20} {:<14} {:>8}\n",
            "job", "step", "ended", "time"
        );
        for row in &self.rows {
            let ended = match &row.ended {
                Ended::Passed => "passed".to_owned(),
                Ended::Failed(code) => format!("exit code {code}"),
                Ended::TimedOut => "timed out".to_owned(),
                Ended::Errored(_) => "errored".to_owned(),
                Ended::Interrupted => "interrupted".to_owned(),
                Ended::NotReached => "not reached".to_owned(),
            };
            let _ = writeln!(
                text,
                "{:<10} {:<20} {ended:<14} {:>6.1} s",
                row.job,
                row.step,
                row.took.as_secs_f64()
            );
        }
        let all: Duration = self.rows.iter().map(|row| row.took).sum();
        let _ = writeln!(
            text,
            "{:<10} {:<20} {:<14} {:>6.1} s",
            "all",
            "",
            "",
            all.as_secs_f64()
        );
        text
    }
}
