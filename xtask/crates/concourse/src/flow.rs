//! A pipeline's flow on this machine: the tasks of its jobs, one after the other, as Concourse would run them.
//!
//! The order, inputs, outputs, parameters, time-outs and hooks are read from the pipeline's own file, so that the two
//! cannot part. Resources are not: the sources are this work tree, and locks are Concourse's alone.

mod choice;
mod outcome;
mod process;
mod runner;
#[cfg(test)]
mod tests;

pub(crate) use choice::Choice;
pub(crate) use outcome::{Ended, Outcome};
pub(crate) use process::run as run_process;
pub(crate) use runner::{Runner, Settings};
