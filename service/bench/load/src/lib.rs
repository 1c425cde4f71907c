//! What the load and `cargo xtask bench` share: the report, the account of processes, the names of seeded users.

pub mod process_tree;
pub mod report;
pub mod seeded;
