//! When to notify: once per change of a job's state.
//!
//! A pure function of the history and the job's result.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A reminder for a broken job is sent after this time.
const REMINDER_AFTER: Duration = Duration::from_hours(24);

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Every step passed.
    Succeeded,
    /// A step failed.
    Failed,
    /// A step could not be started.
    Errored,
    /// It was aborted.
    Aborted,
}

/// The notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Broke,
    StillBroken,
    Fixed,
    Errored,
    StillErrored,
    Aborted,
}

/// The history of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The result of the last build that was not aborted.
    settled: Option<State>,
    /// Whether the last build was aborted.
    aborted: bool,
    /// Unix time of the last notification.
    told_at_s: Option<u64>,
}

impl Memory {
    /// Records a build's result; returns the notification, if any.
    pub(crate) fn note(&mut self, ended: State, at_s: u64) -> Option<News> {
        let reminder = self
            .told_at_s
            .is_none_or(|last| at_s.saturating_sub(last) >= REMINDER_AFTER.as_secs());
        let news = match (self.settled, ended) {
            (_, State::Aborted) => (!self.aborted).then_some(News::Aborted),
            (Some(State::Failed), State::Failed) => reminder.then_some(News::StillBroken),
            (Some(State::Errored), State::Errored) => reminder.then_some(News::StillErrored),
            (_, State::Failed) => Some(News::Broke),
            (_, State::Errored) => Some(News::Errored),
            (Some(State::Failed | State::Errored), State::Succeeded) => Some(News::Fixed),
            (_, State::Succeeded) => None,
        };
        self.aborted = ended == State::Aborted;
        if ended != State::Aborted {
            self.settled = Some(ended);
        }
        if news.is_some() {
            self.told_at_s = Some(at_s);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::News::{
        Aborted as ToldAborted, Broke, Errored as ToldErrored, Fixed, StillBroken, StillErrored,
    };
    use super::State::{Aborted, Errored, Failed, Succeeded};
    use super::{Memory, News, State};

    const HOUR: u64 = 60 * 60;

    fn notifications(ends: &[(State, u64)]) -> Vec<Option<News>> {
        let mut memory = Memory::default();
        ends.iter()
            .map(|(state, hour)| memory.note(*state, hour * HOUR))
            .collect()
    }

    #[test]
    fn a_job_that_always_passes_is_never_spoken_of() {
        assert_eq!(
            notifications(&[(Succeeded, 0), (Succeeded, 1), (Succeeded, 100)]),
            [None, None, None]
        );
    }

    #[test]
    fn breaking_and_mending_are_told_once_each() {
        let ends = [
            (Succeeded, 0),
            (Failed, 1),
            (Failed, 2),
            (Failed, 3),
            (Succeeded, 4),
            (Succeeded, 5),
        ];
        assert_eq!(
            notifications(&ends),
            [None, Some(Broke), None, None, Some(Fixed), None]
        );
    }

    #[test]
    fn a_first_build_that_fails_is_told() {
        assert_eq!(notifications(&[(Failed, 0)]), [Some(Broke)]);
    }

    #[test]
    fn a_job_that_stays_broken_is_mentioned_at_most_once_a_day() {
        let ends = [
            (Failed, 0),
            (Failed, 23),
            (Failed, 24),
            (Failed, 30),
            (Failed, 49),
        ];
        assert_eq!(
            notifications(&ends),
            [
                Some(Broke),
                None,
                Some(StillBroken),
                None,
                Some(StillBroken)
            ]
        );
    }

    #[test]
    fn an_error_is_another_state_than_a_failure() {
        let ends = [
            (Failed, 0),
            (Errored, 1),
            (Errored, 2),
            (Errored, 26),
            (Failed, 27),
            (Succeeded, 28),
        ];
        assert_eq!(
            notifications(&ends),
            [
                Some(Broke),
                Some(ToldErrored),
                None,
                Some(StillErrored),
                Some(Broke),
                Some(Fixed)
            ]
        );
    }

    #[test]
    fn an_abort_hides_neither_the_break_before_it_nor_the_mending_after() {
        let ends = [
            (Failed, 0),
            (Aborted, 1),
            (Aborted, 2),
            (Failed, 3),
            (Succeeded, 4),
            (Aborted, 5),
            (Succeeded, 6),
        ];
        assert_eq!(
            notifications(&ends),
            [
                Some(Broke),
                Some(ToldAborted),
                None,
                None,
                Some(Fixed),
                Some(ToldAborted),
                None
            ]
        );
    }
}
