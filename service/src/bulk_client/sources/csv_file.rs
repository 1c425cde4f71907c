//! CSV: values by the names in the header row, separated by commas, semicolons or tabs.

use super::text::open as open_text;
use super::{Records, SourceRecord};
use crate::bulk_client::failure::BulkError;
use serde_json::{Map, Value};
use std::io::BufRead as _;
use std::path::Path;

/// The separators that are looked for in the header row.
const DELIMITERS: [u8; 3] = *b",;\t";

pub(super) fn open(path: &Path, delimiter: Option<u8>) -> Result<Records, BulkError> {
    let mut reader = open_text(path)?;
    let delimiter = delimiter.unwrap_or_else(|| {
        let first = reader.fill_buf().unwrap_or_default();
        let header = first
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let count = |delimiter: &u8| header.split(|byte| byte == delimiter).count();
        // Of equals, the first: a header of one column has none at all.
        let found = DELIMITERS.into_iter().rev().max_by_key(count);
        found.unwrap_or(b',')
    });
    let mut csv = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(reader);
    let malformed = |error: &csv::Error, path: &Path| {
        let what = format!("{} is not CSV: {error}", path.display());
        BulkError::usage(what, "correct the line, or give --format")
    };
    let header: Vec<String> = csv
        .headers()
        .map_err(|error| malformed(&error, path))?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    let path = path.to_path_buf();
    let records = csv.into_records().map(move |record| {
        let record = record.map_err(|error| malformed(&error, &path))?;
        let place = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            let what = format!(
                "{}: line {place} has {} fields, the header row {}",
                path.display(),
                record.len(),
                header.len()
            );
            return Err(BulkError::usage(
                what,
                "correct the line, or give --delimiter",
            ));
        }
        let values: Map<String, Value> = header
            .iter()
            .zip(&record)
            .map(|(name, value)| (name.clone(), Value::from(value)))
            .collect();
        Ok(SourceRecord { place, values })
    });
    Ok(Box::new(records))
}
