//! JSON: one object a line, one array of objects, or the export of a Keycloak realm, whose `users` is such an array.
//!
//! Lines are read one after the other. An array is in memory as a whole: the programs that write one write small ones.

use super::text::{open as open_text, unreadable};
use super::{Records, SourceRecord};
use crate::bulk_client::failure::BulkError;
use serde_json::{Map, Value};
use std::io::BufRead as _;
use std::path::Path;

pub(super) fn open_lines(path: &Path) -> Result<Records, BulkError> {
    let reader = open_text(path)?;
    let path = path.to_path_buf();
    let lines = reader.lines().zip(1_u64..);
    let records = lines.filter_map(move |(line, place)| {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(unreadable(&path, &error))),
        };
        if line.trim().is_empty() {
            return None;
        }
        Some(match serde_json::from_str::<Map<String, Value>>(&line) {
            Ok(values) => Ok(SourceRecord { place, values }),
            Err(error) => {
                let what = format!(
                    "{}: line {place} is not a JSON object: {error}",
                    path.display()
                );
                Err(BulkError::usage(what, "correct the line, or give --format"))
            }
        })
    });
    // The last record of an export is not a user.
    let is_user = |record: &Result<SourceRecord, BulkError>| {
        !record.as_ref().is_ok_and(|record| {
            record.values.len() == 2
                && record.values.contains_key("users")
                && record.values.contains_key("next")
        })
    };
    Ok(Box::new(records.filter(is_user)))
}

pub(super) fn open_array_or_lines(path: &Path) -> Result<Records, BulkError> {
    let mut reader = open_text(path)?;
    let begins = reader.fill_buf().unwrap_or_default();
    if begins.trim_ascii_start().starts_with(b"[") {
        open_array(path, Some)
    } else {
        open_lines(path)
    }
}

pub(super) fn open_realm(path: &Path) -> Result<Records, BulkError> {
    open_array(path, |mut document| match &mut document {
        Value::Object(members) => members.remove("users"),
        _ => Some(document),
    })
}

fn open_array(
    path: &Path,
    users: impl FnOnce(Value) -> Option<Value>,
) -> Result<Records, BulkError> {
    let next = "give --format";
    let document: Value = serde_json::from_reader(open_text(path)?).map_err(|error| {
        BulkError::usage(format!("{} is not JSON: {error}", path.display()), next)
    })?;
    let Some(Value::Array(users)) = users(document) else {
        let what = format!("{} has no array of users", path.display());
        return Err(BulkError::usage(what, next));
    };
    let path = path.to_path_buf();
    let records = users.into_iter().zip(1_u64..).map(move |(user, place)| {
        if let Value::Object(values) = user {
            Ok(SourceRecord { place, values })
        } else {
            let what = format!("{}: user {place} is not an object", path.display());
            Err(BulkError::usage(what, next))
        }
    });
    Ok(Box::new(records))
}
