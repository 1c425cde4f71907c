//! Goals that are ratios of costs within one run.

use anyhow::Result;
use xtask::failure::{Failure, Kind};

/// Fails, naming each, if one of `ratios` is above its goal, the most that it may be. `of` is what was measured.
pub(super) fn judge<const N: usize>(
    of: &str,
    goals: &[(&str, f64); N],
    ratios: [f64; N],
) -> Result<()> {
    let missed: Vec<String> = goals
        .iter()
        .zip(ratios)
        .filter(|((_, goal), ratio)| ratio > goal)
        .map(|((what, goal), ratio)| format!("{what}: {ratio:.2} instead of at most {goal}"))
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    let next = "run it on an idle machine; cargo xtask bench flamegraph shows where time goes";
    Err(Failure::new(
        Kind::Check,
        format!("goals of {of} were missed"),
        missed.join("; "),
        next,
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::{Failure, judge};

    #[test]
    fn a_ratio_above_its_goal_is_named() {
        assert!(judge("it", &[("a", 1.0), ("b", 2.0)], [1.0, 2.0]).is_ok());
        let missed = judge("it", &[("a", 1.0), ("b", 2.0)], [0.5, 2.1]).unwrap_err();
        let failure = missed.downcast::<Failure>().unwrap();
        assert_eq!(failure.why, "b: 2.10 instead of at most 2");
    }
}
