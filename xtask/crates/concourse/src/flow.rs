//! Runs a pipeline's tasks on this machine, one after the other, as Concourse would.
//!
//! Order, inputs, outputs, parameters, timeouts and hooks are read from the pipeline's file, so that the two cannot
//! diverge. Resources are skipped: the working tree is the source, and locks belong to Concourse.

mod choice;
mod isolated;
mod layout;
mod outcome;
mod process;
mod runner;
#[cfg(test)]
mod tests;

pub(crate) use choice::Choice;
pub(crate) use outcome::{Ended, Outcome};
pub(crate) use process::run as run_process;
pub(crate) use runner::{Runner, Settings};

/// The resource that starts a flow.
const SOURCE: &str = "source";
