//! The result of each step of a flow, and the table of results.

use std::fmt::Write;
use std::time::Duration;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// It failed with this exit code.
    Failed(i32),
    /// It exceeded its timeout.
    TimedOut,
    /// It could not be started.
    Errored(String),
    /// Ctrl-C or SIGTERM came.
    Interrupted,
    /// A tool or the network is missing here, and the caller accepts that.
    NotProven,
    /// Not run, because an earlier step stopped the flow.
    NotReached,
    /// Not run, because the caller did not select it.
    LeftOut,
}

impl Ended {
    /// Whether it stops the flow.
    pub(super) fn stops(&self) -> bool {
        match self {
            Self::Passed | Self::NotProven | Self::NotReached | Self::LeftOut => false,
            Self::Failed(_) | Self::TimedOut | Self::Errored(_) | Self::Interrupted => true,
        }
    }
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
    /// The step that stopped the flow.
    pub(crate) fn stopped_at(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.ended.stops())
    }

    /// The steps that could not be proven here.
    pub(crate) fn not_proven(&self) -> Vec<&str> {
        let rows = self.rows.iter();
        rows.filter(|row| row.ended == Ended::NotProven)
            .map(|row| row.step.as_str())
            .collect()
    }

    /// Every step with its result and duration.
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
                Ended::NotProven => "NOT PROVEN".to_owned(),
                Ended::NotReached => "not reached".to_owned(),
                Ended::LeftOut => "left out".to_owned(),
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
