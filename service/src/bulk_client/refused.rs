//! The file of refused records: they stand in it as they were read, each with the reason, and can be corrected and sent
//! again.

use super::failure::BulkError;
use super::sources::{Format, SourceRecord};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// The name of the reason beside the values of a record; an import leaves it out.
pub(super) const REASON: &str = "_refused";

/// Writes refused records.
pub(super) struct RefusedFile {
    path: PathBuf,
    /// Made with the first record.
    out: Option<Out>,
    is_csv: bool,
    delimiter: u8,
}

enum Out {
    Csv(Box<csv::Writer<File>>),
    Lines(BufWriter<File>),
}

impl RefusedFile {
    /// A file beside `source`, or the one that is given.
    pub(super) fn new(
        source: &Path,
        given: Option<&Path>,
        format: Format,
        delimiter: Option<u8>,
    ) -> Self {
        let is_csv = format == Format::Csv;
        let path = given.map_or_else(
            || {
                let mut name = source.as_os_str().to_owned();
                name.push(if is_csv {
                    ".refused.csv"
                } else {
                    ".refused.jsonl"
                });
                PathBuf::from(name)
            },
            Path::to_path_buf,
        );
        Self {
            path,
            out: None,
            is_csv,
            delimiter: delimiter.unwrap_or(b','),
        }
    }

    /// Where it is, if there are any.
    pub(super) fn written(&self) -> Option<&Path> {
        self.out.as_ref().map(|_| self.path.as_path())
    }

    /// Adds a record: of CSV as it was, of all else as the user that was made of it.
    pub(super) fn add(
        &mut self,
        record: &SourceRecord,
        user: &Map<String, Value>,
        reason: &str,
    ) -> Result<(), BulkError> {
        let added = self.try_add(record, user, reason);
        added.map_err(|error| self.not_written(&error))
    }

    fn try_add(
        &mut self,
        record: &SourceRecord,
        user: &Map<String, Value>,
        reason: &str,
    ) -> std::io::Result<()> {
        let kept = || record.values.iter().filter(|(name, _)| *name != REASON);
        let is_first = self.out.is_none();
        if is_first {
            let file = File::create(&self.path)?;
            self.out = Some(if self.is_csv {
                let mut builder = csv::WriterBuilder::new();
                Out::Csv(Box::new(
                    builder.delimiter(self.delimiter).from_writer(file),
                ))
            } else {
                Out::Lines(BufWriter::new(file))
            });
        }
        match &mut self.out {
            Some(Out::Csv(out)) => {
                if is_first {
                    out.write_record(kept().map(|(name, _)| name.as_str()).chain([REASON]))?;
                }
                let values = kept().map(|(_, value)| value.as_str().unwrap_or(""));
                out.write_record(values.chain([reason]))?;
            }
            Some(Out::Lines(out)) => {
                let mut line = user.clone();
                line.insert(REASON.to_owned(), reason.into());
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
            None => {}
        }
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(&mut self) -> Result<(), BulkError> {
        let flushed = match &mut self.out {
            Some(Out::Csv(out)) => out.flush(),
            Some(Out::Lines(out)) => out.flush(),
            None => Ok(()),
        };
        flushed.map_err(|error| self.not_written(&error))
    }

    fn not_written(&self, error: &std::io::Error) -> BulkError {
        let what = format!("{} cannot be written: {error}", self.path.display());
        BulkError::new(what, "name another file with --refused")
    }
}

/// Why a record was refused, in one line, as the service reports it.
pub(super) fn reason(report: &Value) -> String {
    let faults = report["errors"].as_array();
    let faults: Vec<String> = faults
        .into_iter()
        .flatten()
        .map(|fault| {
            let pointer = fault["pointer"]
                .as_str()
                .unwrap_or("")
                .trim_start_matches('/');
            format!("{pointer} {}", fault["detail"].as_str().unwrap_or(""))
        })
        .collect();
    if faults.is_empty() {
        report["detail"].as_str().unwrap_or("refused").to_owned()
    } else {
        faults.join("; ")
    }
}
