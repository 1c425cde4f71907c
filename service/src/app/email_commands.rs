//! `roster check-emails`: finds the users whose e-mail address the present rules refuse, or know under another key.
//!
//! Addresses are personal data: users are named by their ids alone.

#![allow(
    clippy::doc_markdown,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use super::commands::CommandError;
use super::{StartError, pool_settings};
use crate::config::DatabaseArgs;
use crate::store::{EmailKeysReport, check_email_keys};
use clap::Args;
use std::fmt::Write as _;

/// What to do with e-mail addresses that were stored under older rules.
#[derive(Args)]
pub struct CheckEmailsArgs {
    /// How to reach the database.
    #[command(flatten)]
    database: DatabaseArgs,
    /// Set the keys that differ, so that such users are found by every spelling of their address. Safe while Roster serves,
    /// and to repeat.
    #[arg(long)]
    update: bool,
}

/// Looks at every user.
///
/// # Errors
/// When the database cannot be used; and when a user needs attention, with their ids.
pub async fn run_check_emails(args: &CheckEmailsArgs) -> Result<String, CommandError> {
    let settings = pool_settings(&args.database, None).map_err(StartError::from)?;
    let report = check_email_keys(&settings, args.update)
        .await
        .map_err(StartError::from)?;
    let text = describe(&report, args.update);
    if report.invalid.is_empty() && report.same_address.is_empty() {
        Ok(text)
    } else {
        let next = "next: give each of these users a valid address of their own (PATCH email); until then they are served as before";
        Err(CommandError::Refused(format!(
            "users need attention\n{text}{next}"
        )))
    }
}

/// A line for each user that needs attention, and one for the keys.
pub fn describe(report: &EmailKeysReport, updated: bool) -> String {
    let mut text = String::new();
    for (user, reason) in &report.invalid {
        let _ = writeln!(text, "user {}: the address {reason}", user.0);
    }
    for (one, other) in &report.same_address {
        let _ = writeln!(
            text,
            "user {}: the address is the same as that of user {}",
            one.0, other.0
        );
    }
    let (count, what) = (
        report.updated,
        if updated {
            "updated"
        } else {
            "to be updated with --update"
        },
    );
    let _ = writeln!(text, "keys of e-mail addresses {what}: {count}");
    text
}
