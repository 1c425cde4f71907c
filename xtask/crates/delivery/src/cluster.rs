//! A Kubernetes cluster that runs Roster: selecting it, and operations on it.
//!
//! Everything goes through kubectl and helm with an explicit context, so that switching the context in another terminal
//! has no effect. The steps of a deploy are in `commands/deploy.rs`.

pub(crate) mod changes;
pub(crate) mod cloud;
pub(crate) mod connection;
pub(crate) mod diagnosis;
pub(crate) mod end_state;
pub mod environment;
pub(crate) mod events;
pub(crate) mod helm;
pub(crate) mod helm_process;
pub(crate) mod kubectl;
pub(crate) mod lock;
pub(crate) mod made;
mod managed_fields;
pub(crate) mod needs;
pub(crate) mod ownership;
pub(crate) mod progress;
pub(crate) mod release;
pub(crate) mod remembered;
pub(crate) mod secrets;
pub(crate) mod target;
pub(crate) mod watch;
pub(crate) mod way_in;

/// Name of the release, and of most of its objects.
pub(crate) const RELEASE: &str = "roster";

/// The chart in the repository.
pub(crate) const CHART: &str = "helm-chart";
