//! Common parts of the programs behind `cargo xtask`: running tools, failures and exit codes, Ctrl-C, steps, the table
//! of tools, secrets, git, and finding the other programs.
//!
//! It knows no subject: image, cluster, cloud and rules are in `xtask/crates`, running Roster is in `service/dev`. It
//! is compiled before anything else, so it has few dependencies.

pub mod build;
pub mod command_list;
pub mod failure;
pub mod generated;
pub mod git;
pub mod interrupt;
pub mod program;
pub mod run_tool;
pub mod secrets;
pub mod steps;
pub mod tools;
