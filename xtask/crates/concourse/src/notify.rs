//! Notifications about jobs: when to send one (`state.rs`), its content (`message.rs`), and sending it to Slack
//! (`delivery.rs`).
//!
//! Earlier results come from Concourse (`concourse_history.rs`) or, on a laptop, from a file (`file_history.rs`).

pub(crate) mod concourse_history;
pub(crate) mod delivery;
pub(crate) mod file_history;
pub(crate) mod message;
pub(crate) mod state;
pub(crate) mod step_log;
