//! Telling people how a job ended: when there is something to tell (`state.rs`), what to say (`message.rs`), and how it
//! gets to Slack (`delivery.rs`).
//!
//! What happened before comes from Concourse (`concourse_history.rs`) or, on a laptop, from a file (`file_history.rs`).

pub(crate) mod concourse_history;
pub(crate) mod delivery;
pub(crate) mod file_history;
pub(crate) mod message;
pub(crate) mod state;
pub(crate) mod step_log;
