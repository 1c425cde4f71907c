//! LDIF (RFC 2849): the entries of a directory server, with folded lines, comments and values in base64.
//!
//! Names of attributes are in lower case and without options. Of several values, the first one counts.

use super::text::{open as open_text, unreadable};
use super::{Records, SourceRecord};
use crate::bulk_client::failure::BulkError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

pub(super) fn open(path: &Path) -> Result<Records, BulkError> {
    Ok(Box::new(Entries {
        reader: open_text(path)?,
        path: path.to_path_buf(),
        line: 0,
        held: None,
    }))
}

struct Entries {
    reader: BufReader<File>,
    path: PathBuf,
    /// The lines that were read.
    line: u64,
    /// A line behind the one that was returned, which did not continue it.
    held: Option<String>,
}

impl Entries {
    fn physical_line(&mut self) -> Result<Option<String>, BulkError> {
        if let Some(line) = self.held.take() {
            return Ok(Some(line));
        }
        let mut line = String::new();
        let read = self.reader.read_line(&mut line);
        if read.map_err(|error| unreadable(&self.path, &error))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(Some(line))
    }

    /// A line with those that continue it.
    fn logical_line(&mut self) -> Result<Option<String>, BulkError> {
        let Some(mut line) = self.physical_line()? else {
            return Ok(None);
        };
        if line.is_empty() {
            return Ok(Some(line));
        }
        while let Some(next) = self.physical_line()? {
            let Some(rest) = next.strip_prefix(' ') else {
                self.held = Some(next);
                break;
            };
            line.push_str(rest);
        }
        Ok(Some(line))
    }

    fn entry(&mut self) -> Result<Option<SourceRecord>, BulkError> {
        let (mut values, mut place) = (Map::new(), 0);
        loop {
            let line = self.logical_line()?;
            let Some(line) = line.filter(|line| !line.is_empty()) else {
                if !values.is_empty() {
                    return Ok(Some(SourceRecord { place, values }));
                }
                // Empty lines between entries; the end of the file otherwise.
                if self.held.is_none() && self.is_at_end()? {
                    return Ok(None);
                }
                continue;
            };
            if line.starts_with('#') {
                continue;
            }
            let (name, value) = self.attribute(&line)?;
            if name == "version" && values.is_empty() {
                continue;
            }
            if name == "changetype" && value.as_deref() != Some("add") {
                let what = format!(
                    "{}: the entry at line {place} is a change",
                    self.path.display()
                );
                return Err(BulkError::usage(what, "export entries, not changes"));
            }
            if values.is_empty() {
                place = self.line.saturating_sub(u64::from(self.held.is_some()));
            }
            // What is not text, such as a photograph, is left out.
            if let Some(value) = value {
                values.entry(name).or_insert(Value::String(value));
            }
        }
    }

    fn is_at_end(&mut self) -> Result<bool, BulkError> {
        let rest = self.reader.fill_buf();
        Ok(rest
            .map_err(|error| unreadable(&self.path, &error))?
            .is_empty())
    }

    fn attribute(&self, line: &str) -> Result<(String, Option<String>), BulkError> {
        let malformed = || {
            let what = format!("{}: line {} is not LDIF", self.path.display(), self.line);
            BulkError::usage(what, "correct the line, or give --format")
        };
        let (name, rest) = line.split_once(':').ok_or_else(malformed)?;
        let name = name.split(';').next().unwrap_or(name).to_ascii_lowercase();
        if let Some(encoded) = rest.strip_prefix(':') {
            let bytes = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
            return Ok((name, String::from_utf8(bytes).ok()));
        }
        // A URL names a file elsewhere.
        let value = (!rest.starts_with('<')).then(|| rest.trim_start_matches(' ').to_owned());
        Ok((name, value))
    }
}

impl Iterator for Entries {
    type Item = Result<SourceRecord, BulkError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entry().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::open;
    use serde_json::Value;
    use std::io::Write as _;

    fn entries(text: &str) -> Vec<(u64, Value)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let records = open(file.path()).unwrap();
        records
            .map(|record| record.unwrap())
            .map(|record| (record.place, Value::Object(record.values)))
            .collect()
    }

    #[test]
    fn entries_are_read_with_folded_lines_comments_and_base64() {
        let text = "version: 1\n# exported by a server with a name that is\n  longer than one line\n\n\
                    dn: uid=ada,dc=example,dc=com\nuid: ada\ncn:: QWRhIEzDtnZlbGFjZQ==\ntitle:\nmail: ada@exam\n ple.com\n\
                    mail: other@example.com\njpegPhoto:: /9j/4AAQ\ncn;lang-de: Ada\n\n\n\
                    DN: uid=b,dc=example,dc=com\r\nMail: b@example.com\r\n";
        let found = entries(text);
        assert_eq!(found.len(), 2);
        let (place, ada) = &found[0];
        assert_eq!(*place, 5);
        assert_eq!(ada["mail"], "ada@example.com");
        assert_eq!(
            (&ada["cn"], &ada["title"]),
            (&Value::from("Ada Lövelace"), &Value::from(""))
        );
        assert!(ada.get("jpegphoto").is_none());
        assert_eq!(found[1].1["mail"], "b@example.com");
    }

    #[test]
    fn a_file_of_changes_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"dn: uid=a\nchangetype: modify\nreplace: mail\n")
            .unwrap();
        let mut records = open(file.path()).unwrap();
        assert!(records.next().unwrap().is_err());
    }
}
