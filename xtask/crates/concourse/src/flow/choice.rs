//! Which steps of a flow to run: all, those from one on, or a single one.

use anyhow::Result;

use xtask::failure::{Failure, Kind};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    #[default]
    All,
    From(String),
    Only(String),
}

impl Choice {
    /// From the command line's flags, of which at most one is set.
    pub(crate) fn new(from: Option<&str>, only: Option<&str>) -> Self {
        match (from, only) {
            (_, Some(step)) => Self::Only(step.to_owned()),
            (Some(step), None) => Self::From(step.to_owned()),
            (None, None) => Self::All,
        }
    }

    /// Fails if the flow does not have the given step.
    pub(super) fn check<'a>(&self, steps: impl Iterator<Item = &'a str>) -> Result<()> {
        let (Self::From(wanted) | Self::Only(wanted)) = self else {
            return Ok(());
        };
        let known: Vec<_> = steps.collect();
        if known.contains(&wanted.as_str()) {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Usage,
            format!("the flow has no step {wanted:?}"),
            "its steps are defined in the pipeline's file",
            format!("use one of: {}", known.join(", ")),
        )
        .into())
    }

    /// Whether to run steps from this one on.
    pub(super) fn begins_at(&self, step: &str) -> bool {
        match self {
            Self::All => true,
            Self::From(wanted) | Self::Only(wanted) => wanted == step,
        }
    }

    /// Whether to run this step once the first one has been reached.
    pub(super) fn has(&self, step: &str) -> bool {
        !matches!(self, Self::Only(wanted) if wanted != step)
    }
}
