//! When there is something to tell: one message for each change of a job's state.
//!
//! Pure: what is remembered and how the job ended go in, what to say comes out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A job that stays broken is mentioned again after this time.
const REMINDER_AFTER: Duration = Duration::from_hours(24);

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Every step passed.
    Succeeded,
    /// A step said no.
    Failed,
    /// A step could not be run at all.
    Errored,
    /// Somebody stopped it.
    Aborted,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Broke,
    StillBroken,
    Fixed,
    Errored,
    StillErrored,
    Aborted,
}

/// What is remembered of a job between its builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// How the last build ended that was not stopped by a person.
    settled: Option<State>,
    /// Whether the last build of all was stopped by a person.
    aborted: bool,
    /// When the job was last spoken of, in seconds since 1970.
    told_at_s: Option<u64>,
}

impl Memory {
    /// Takes note of a build's end and says what there is to tell of it.
    pub(crate) fn note(&mut self, ended: State, at_s: u64) -> Option<News> {
        let reminder = self
            .told_at_s
            .is_none_or(|told| at_s.saturating_sub(told) >= REMINDER_AFTER.as_secs());
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

    fn told(ends: &[(State, u64)]) -> Vec<Option<News>> {
        let mut memory = Memory::default();
        ends.iter()
            .map(|(state, hour)| memory.note(*state, hour * HOUR))
            .collect()
    }

    #[test]
    fn a_job_that_always_passes_is_never_spoken_of() {
        assert_eq!(
            told(&[(Succeeded, 0), (Succeeded, 1), (Succeeded, 100)]),
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
            told(&ends),
            [None, Some(Broke), None, None, Some(Fixed), None]
        );
    }

    #[test]
    fn a_first_build_that_fails_is_told() {
        assert_eq!(told(&[(Failed, 0)]), [Some(Broke)]);
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
            told(&ends),
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
            told(&ends),
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
            told(&ends),
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
