//! Concourse's files as data: pipelines and tasks, parsed strictly, and the order of a pipeline's steps.
//!
//! It knows the format of Concourse 8 and nothing about Roster's own rules: those are in `check/pipelines`.

mod order;
mod pipeline;
mod task;

pub(crate) use order::{jobs_in_order, planned_steps, tasks};
pub(crate) use pipeline::{Hook, Job, Kind, Pipeline, Resource, Step};
pub(crate) use task::Task;
