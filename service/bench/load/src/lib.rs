//! Shared by the load generator and `cargo xtask bench`: the report, process accounting, the seeded users.

pub mod process_tree;
pub mod report;
pub mod seeded;
