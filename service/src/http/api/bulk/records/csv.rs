//! The records of a CSV (RFC 4180), found as it arrives: the first line names the fields.

use super::too_long;
use crate::domain::Profile;
use crate::http::api::bulk::csv_text::COLUMNS;
use crate::http::api::user_json::{SERVER_MEMBERS, read_profile};
use crate::http::problem::{Problem, ProblemKind};
use csv_core::ReadRecordResult;
use serde_json::{Map, Value};

/// Reads a CSV.
pub(super) struct CsvRecords {
    reader: csv_core::Reader,
    /// The columns by their place; `None` for those that the server sets.
    columns: Option<Vec<Option<&'static str>>>,
    fields: Vec<u8>,
    ends: Vec<usize>,
    /// How much of both is filled.
    filled: (usize, usize),
    is_too_long: bool,
}

/// What was found.
pub(super) enum CsvFound {
    Header,
    Record(Result<Profile, Box<Problem>>),
    /// More has to arrive.
    Nothing,
    End,
}

impl CsvRecords {
    /// A reader of records of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            reader: csv_core::Reader::new(),
            columns: None,
            fields: vec![0; limit],
            ends: vec![0; 64],
            filled: (0, 0),
            is_too_long: false,
        }
    }

    /// Reads on in what has arrived; also how much of it was used.
    pub(super) fn read(
        &mut self,
        arrived: &[u8],
        has_ended: bool,
    ) -> Result<(CsvFound, usize), Problem> {
        let mut used = 0;
        loop {
            if used == arrived.len() && !has_ended {
                return Ok((CsvFound::Nothing, used));
            }
            let (filled, ended) = self.filled;
            let (result, read, written, ends) = self.reader.read_record(
                &arrived[used..],
                &mut self.fields[filled..],
                &mut self.ends[ended..],
            );
            used += read;
            self.filled = (filled + written, ended + ends);
            match result {
                ReadRecordResult::InputEmpty => {
                    if !has_ended {
                        return Ok((CsvFound::Nothing, used));
                    }
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.is_too_long = true;
                    self.filled = (0, 0);
                }
                ReadRecordResult::Record => return Ok((self.record()?, used)),
                ReadRecordResult::End => return Ok((CsvFound::End, used)),
            }
        }
    }

    fn record(&mut self) -> Result<CsvFound, Problem> {
        let (_, count) = std::mem::take(&mut self.filled);
        let is_too_long = std::mem::take(&mut self.is_too_long);
        let mut start = 0;
        let fields = self.ends[..count].iter().map(|&end| {
            let field = self.fields.get(start..end).unwrap_or_default();
            start = end;
            field
        });
        let Some(columns) = &self.columns else {
            self.columns = Some(read_header(fields)?);
            return Ok(CsvFound::Header);
        };
        let profile = if is_too_long {
            Err(Box::new(too_long(self.fields.len())))
        } else {
            profile_of_fields(columns, fields, count)
        };
        Ok(CsvFound::Record(profile))
    }
}

/// The columns that a header row names.
fn read_header<'f>(
    names: impl Iterator<Item = &'f [u8]>,
) -> Result<Vec<Option<&'static str>>, Problem> {
    let refused = |detail: String| ProblemKind::MalformedRequest.with_detail(detail);
    let mut columns: Vec<&'static str> = Vec::new();
    for raw in names {
        let name = String::from_utf8_lossy(raw);
        let name = name.trim().trim_start_matches('\u{feff}');
        let known = COLUMNS.into_iter().find(|column| *column == name);
        let Some(column) = known else {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(refused(format!(
                "the first line of the CSV names the column '{shown}'; the columns are {}",
                COLUMNS.join(", ")
            )));
        };
        if columns.contains(&column) {
            return Err(refused(format!(
                "the first line of the CSV names the column '{column}' twice"
            )));
        }
        columns.push(column);
    }
    for wanted in ["email", "name"] {
        if !columns.contains(&wanted) {
            return Err(refused(format!(
                "the first line of the CSV must name the column '{wanted}'"
            )));
        }
    }
    let is_set_by_server = |column: &&str| SERVER_MEMBERS.contains(column);
    Ok(columns
        .into_iter()
        .map(|column| (!is_set_by_server(&column)).then_some(column))
        .collect())
}

fn profile_of_fields<'f>(
    columns: &[Option<&'static str>],
    fields: impl Iterator<Item = &'f [u8]>,
    count: usize,
) -> Result<Profile, Box<Problem>> {
    if count != columns.len() {
        let detail = format!(
            "the record has {count} fields, the first line {}",
            columns.len()
        );
        return Err(Box::new(ProblemKind::MalformedRequest.with_detail(detail)));
    }
    let mut members = Map::new();
    for (column, field) in columns.iter().zip(fields) {
        let Some(column) = column else { continue };
        let text = std::str::from_utf8(field).map_err(|_| {
            let detail = format!("the field '{column}' is not UTF-8");
            Box::new(ProblemKind::MalformedRequest.with_detail(detail))
        })?;
        // CSV does not know a field that is not there from an empty one.
        if !text.is_empty() {
            members.insert((*column).to_owned(), Value::from(text));
        }
    }
    Ok(read_profile(Value::Object(members))?)
}
