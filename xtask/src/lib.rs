//! What every program behind `cargo xtask` is made of: running tools, failures and their exit codes, Ctrl-C, steps, the
//! table of tools, secrets, git; and how the thin program finds the others.
//!
//! It knows no subject: image, cluster, cloud and rules are in `xtask/crates`, what runs Roster here in `service/dev`. It
//! is compiled before anything else happens, so its dependencies are few.

#![allow(
    clippy::print_stdout,
    reason = "results belong on stdout; all the rest goes to stderr"
)]

pub mod build;
pub mod command_list;
pub mod failure;
pub mod git;
pub mod interrupt;
pub mod program;
pub mod run_tool;
pub mod secrets;
pub mod steps;
pub mod tools;
