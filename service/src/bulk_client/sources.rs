//! Files of users as other programs write them: each becomes a sequence of records with named values.
//!
//! `text` opens a file and makes sure that it is UTF-8. Must not know what a user of Roster is.

mod csv_file;
mod json_file;
mod ldif;
mod text;

use super::failure::BulkError;
use clap::ValueEnum;
use serde_json::{Map, Value};
use std::path::Path;

pub(super) use text::check_utf8;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Comma- or semicolon-separated values with a header row
    Csv,
    /// One JSON object a line, as 'roster export' writes them
    Jsonl,
    /// LDIF of a directory server (RFC 2849)
    Ldif,
    /// The export of a Keycloak realm, or of its users
    Keycloak,
    /// The JSON of an Auth0 users export job: one object a line
    Auth0,
    /// Users as Okta's API lists them, in one JSON array or one object a line
    Okta,
}

/// A record of a file.
pub(super) struct SourceRecord {
    /// Where it begins: a line, or in JSON that is not one object a line, which of the users it is.
    pub(super) place: u64,
    /// Its values by their names; texts, mostly.
    pub(super) values: Map<String, Value>,
}

/// The records of a file, one after the other.
pub(super) type Records = Box<dyn Iterator<Item = Result<SourceRecord, BulkError>>>;

impl Format {
    /// The format of a file, by how it begins and what it is called.
    pub(super) fn of(path: &Path) -> Result<Self, BulkError> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let first = text::beginning(path)?;
        let first = first.trim_start_matches('\u{feff}').trim_start();
        let is_object = first.starts_with('{');
        Ok(match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("ldif" | "ldi") => Self::Ldif,
            Some("csv" | "tsv") => Self::Csv,
            _ if first.starts_with("dn:") || first.starts_with("version:") => Self::Ldif,
            _ if first.starts_with('[') => Self::Okta,
            _ if is_object
                && first
                    .lines()
                    .next()
                    .is_some_and(|line| line.trim_end().ends_with('}')) =>
            {
                let line = first.lines().next().unwrap_or("");
                if line.contains("\"user_id\"") || line.contains("\"Id\"") {
                    Self::Auth0
                } else if line.contains("\"profile\"") {
                    Self::Okta
                } else if line.contains("\"users\":[") || line.contains("\"users\" : [") {
                    Self::Keycloak
                } else {
                    Self::Jsonl
                }
            }
            _ if is_object => Self::Keycloak,
            _ => Self::Csv,
        })
    }

    /// Opens a file of this format. `delimiter` separates values of CSV; the header row says which it is when not given.
    pub(super) fn open(self, path: &Path, delimiter: Option<u8>) -> Result<Records, BulkError> {
        match self {
            Self::Csv => csv_file::open(path, delimiter),
            Self::Jsonl | Self::Auth0 => json_file::open_lines(path),
            Self::Okta => json_file::open_array_or_lines(path),
            Self::Keycloak => json_file::open_realm(path),
            Self::Ldif => ldif::open(path),
        }
    }
}
