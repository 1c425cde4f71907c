//! Selects a share of the mutants, a different one per seed. Must not know what a mutant is: it gets its description.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A part of the mutants.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// Percent.
    pub(crate) percent: u8,
    /// The seed; the same seed selects the same mutants.
    pub(crate) seed: String,
}

impl Share {
    /// Whether the mutant with this description is selected.
    pub(super) fn takes(&self, description: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        self.seed.hash(&mut hasher);
        description.hash(&mut hasher);
        hasher.finish() % 100 < u64::from(self.percent)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { percent, seed } = self;
        write!(
            formatter,
            "{percent} %, selected by {seed} (repeat: cargo xtask rules check --share {percent} --seed {seed})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    fn taken(percent: u8, seed: &str) -> Vec<usize> {
        let share = Share {
            percent,
            seed: seed.to_owned(),
        };
        (0..10_000)
            .filter(|number| share.takes(&format!("mutant {number}")))
            .collect()
    }

    #[test]
    fn a_share_is_about_as_large_as_asked_for_and_all_is_all() {
        let tenth = taken(10, "a").len();
        assert!((800..1200).contains(&tenth), "{tenth}");
        assert_eq!(taken(100, "a").len(), 10_000);
    }

    #[test]
    fn a_seed_takes_the_same_ones_again_and_another_takes_others() {
        assert_eq!(taken(10, "a"), taken(10, "a"));
        let (first, second) = (taken(10, "a"), taken(10, "b"));
        let both = first.iter().filter(|one| second.contains(one)).count();
        assert!(both < first.len() / 4, "{both} of {}", first.len());
    }
}
