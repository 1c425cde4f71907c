//! A Kubernetes cluster that runs Roster: which one it is, and what is asked of it.
//!
//! Everything goes through kubectl and helm, each call naming its context, so that a context switched meanwhile in
//! another terminal changes nothing. The order of a deploy is in `commands/deploy.rs`.

pub(crate) mod changes;
pub(crate) mod cloud;
pub(crate) mod diagnosis;
pub mod environment;
pub(crate) mod helm;
pub(crate) mod kubectl;
pub(crate) mod lock;
pub(crate) mod needs;
pub(crate) mod release;
pub(crate) mod watch;

/// Name of the release, and of most of its objects.
pub(crate) const RELEASE: &str = "roster";

/// The chart in the repository.
pub(crate) const CHART: &str = "helm-chart";
