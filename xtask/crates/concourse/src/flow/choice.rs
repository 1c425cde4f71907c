//! Which steps of a flow are run: all, those from one on, or a single one.

use anyhow::Result;

use xtask::failure::{Failure, Kind};

/// The steps that the caller wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    #[default]
    All,
    From(String),
    Only(String),
}

impl Choice {
    /// From the flags of the command line, of which one at most is given.
    pub(crate) fn new(from: Option<&str>, only: Option<&str>) -> Self {
        match (from, only) {
            (_, Some(step)) => Self::Only(step.to_owned()),
            (Some(step), None) => Self::From(step.to_owned()),
            (None, None) => Self::All,
        }
    }

    /// Whether the flow has the step that was named.
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
            "its steps are those of the pipeline's file",
            format!("name one of: {}", known.join(", ")),
        )
        .into())
    }

    /// Whether steps are run from this one on.
    pub(super) fn begins_at(&self, step: &str) -> bool {
        match self {
            Self::All => true,
            Self::From(wanted) | Self::Only(wanted) => wanted == step,
        }
    }

    /// Whether this step is run once the first one has been reached.
    pub(super) fn has(&self, step: &str) -> bool {
        !matches!(self, Self::Only(wanted) if wanted != step)
    }
}
