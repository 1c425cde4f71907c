//! `roster import`: sends the users of a file, and keeps those that were refused in a file that can be corrected and sent
//! again.

use super::api_args::ApiArgs;
use super::failure::BulkError;
use super::http1::{Abandoned, Api, Body, Response};
use super::mapping::Mapping;
use super::progress::Progress;
use super::refused::{RefusedFile, reason};
use super::sources::{Format, check_utf8};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::PathBuf;
use std::time::Duration;

/// How often an import that was interrupted is continued.
const ATTEMPTS: u32 = 10;
/// The first pause before that; each one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// The flags of `roster import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// How to reach the service.
    #[command(flatten)]
    pub api: ApiArgs,
    /// File with the users.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Format of the file; found out by how it begins when not given.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What to do with users whose address the directory has.
    #[arg(long, value_enum, default_value = "create")]
    mode: Mode,
    /// Take a field from another column or attribute, such as mail=email; several may be given. Paths have dots
    /// (attributes.desk), and + joins texts (given+surname=name).
    #[arg(long, value_name = "SOURCE=FIELD")]
    map: Vec<String>,
    /// Leave a column out; several may be given.
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,
    /// What separates the values of CSV; found out by the header row when not given.
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// Only report what would be done.
    #[arg(long)]
    dry_run: bool,
    /// With --mode sync: what to do with users that are not in the file.
    #[arg(long, value_enum, default_value = "delete")]
    absent: AbsentMode,
    /// With --mode sync, required: remove nobody when more users than this are absent.
    #[arg(long, value_name = "N", required_if_eq("mode", "sync"))]
    max_deletes: Option<u64>,
    /// File for the records that were refused; FILE.refused.csv or FILE.refused.jsonl when not given.
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// Continue an import that was interrupted, by the key that it printed; file and flags have to be the same.
    #[arg(long = "continue", value_name = "KEY")]
    key: Option<String>,
}

/// What becomes of users that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Refuse them
    Create,
    /// Replace what differs
    Upsert,
    /// Replace what differs, and remove users that are not in the file
    Sync,
}

/// What becomes of users that are not in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AbsentMode {
    /// Delete them
    Delete,
    /// Suspend them
    Suspend,
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        _ if text.len() == 1 => Ok(text.as_bytes()[0]),
        _ => Err("is not one ASCII character, or tab".into()),
    }
}

/// Imports; what is reported of it.
///
/// # Errors
/// When the import did not come to its end, or records were refused.
pub fn run(args: &ImportArgs) -> Result<String, BulkError> {
    check_utf8(&args.file)?;
    let format = match args.format {
        Some(format) => format,
        None => Format::of(&args.file)?,
    };
    let import = Import {
        args,
        format,
        mapping: Mapping::new(format, &args.map, &args.ignore)?,
        key: args
            .key
            .clone()
            .unwrap_or_else(|| format!("roster-import-{}", uuid::Uuid::now_v7())),
    };
    let api = Api::open(&args.api)?;
    let mut attempt = 0;
    let (response, speed) = loop {
        match import.send(&api)? {
            Sent::Answered(response, speed) => break (response, speed),
            Sent::Interrupted(why) if attempt < ATTEMPTS => {
                printing::eprintln!("roster: {why}; continuing");
                std::thread::sleep(PAUSE * 2_u32.pow(attempt.min(6)));
                attempt += 1;
            }
            Sent::Interrupted(why) => {
                let next = format!("run it again with --continue {}", import.key);
                return Err(BulkError::new(
                    format!("the import was interrupted: {why}"),
                    next,
                ));
            }
        }
    };
    import.report(response, &speed)
}

struct Import<'a> {
    args: &'a ImportArgs,
    format: Format,
    mapping: Mapping,
    /// Names this import, so that it can be continued.
    key: String,
}

/// How an attempt ended.
enum Sent {
    /// The service has answered; how fast it was.
    Answered(Response, String),
    /// It can be continued.
    Interrupted(String),
}

impl Import<'_> {
    fn target(&self) -> String {
        let args = self.args;
        let mode = match args.mode {
            Mode::Create => "create",
            Mode::Upsert => "upsert",
            Mode::Sync => "sync",
        };
        let mut target = format!("/v1/users/import?mode={mode}");
        if args.dry_run {
            target.push_str("&dry_run=true");
        }
        if let (Mode::Sync, Some(most)) = (args.mode, args.max_deletes) {
            let absent = match args.absent {
                AbsentMode::Delete => "delete",
                AbsentMode::Suspend => "suspend",
            };
            let _ = write!(target, "&absent={absent}&max_deletes={most}");
        }
        target
    }

    /// Sends all users. What is wrong with the file is found while it is sent, and ends the attempt.
    fn send(&self, api: &Api) -> Result<Sent, BulkError> {
        let failure = RefCell::new(None);
        let speed = RefCell::new(String::new());
        let body = |out: &mut Body<'_>| {
            let written = self.write_users(out);
            match written {
                Ok(text) => {
                    *speed.borrow_mut() = text;
                    Ok(())
                }
                Err(WriteError::Wire(error)) => Err(error),
                Err(WriteError::File(error)) => {
                    *failure.borrow_mut() = Some(error);
                    Err(io::Error::other(Abandoned))
                }
            }
        };
        let headers = [
            ("content-type", "application/jsonl".to_owned()),
            ("accept", "application/jsonl".to_owned()),
            ("idempotency-key", self.key.clone()),
        ];
        let answered = api.exchange("POST", &self.target(), &headers, Some(body));
        if let Some(error) = failure.into_inner() {
            return Err(error);
        }
        match answered {
            Err(error) => Ok(Sent::Interrupted(error.to_string())),
            Ok(response) if response.status == 503 || response.field("retry-after").is_some() => {
                let status = response.status;
                let detail = response.document().unwrap_or_default();
                let detail = detail["detail"].as_str().unwrap_or("").to_owned();
                Ok(Sent::Interrupted(format!(
                    "the service answered {status}: {detail}"
                )))
            }
            Ok(response) => {
                let response = response.require(200, "the import was not made")?;
                Ok(Sent::Answered(response, speed.into_inner()))
            }
        }
    }

    fn write_users(&self, out: &mut Body<'_>) -> Result<String, WriteError> {
        let mut progress = Progress::new("import", None);
        let (mut users, mut bytes) = (0, 0);
        for record in self.format.open(&self.args.file, self.args.delimiter)? {
            let Some(user) = self.mapping.user(&record?)? else {
                continue;
            };
            let mut line = serde_json::to_vec(&user).map_err(io::Error::from)?;
            line.push(b'\n');
            out.write_all(&line)?;
            users += 1;
            bytes += line.len() as u64;
            progress.show(users, bytes);
        }
        Ok(progress.end(users))
    }

    /// Reads the report beside the file, in whose order it is, and keeps what was refused.
    fn report(&self, response: Response, speed: &str) -> Result<String, BulkError> {
        let args = self.args;
        let mut records = self.format.open(&args.file, args.delimiter)?;
        let given = args.refused.as_deref();
        let mut file = RefusedFile::new(&args.file, given, self.format, args.delimiter);
        let (mut line, mut summary) = (0_u64, Value::Null);
        for text in BufReader::new(response).lines() {
            let broken = |error: &dyn std::fmt::Display| {
                let next = format!("read it again with --continue {}", self.key);
                BulkError::new(format!("the report broke off: {error}"), next)
            };
            let text = text.map_err(|error| broken(&error))?;
            let report: Value = serde_json::from_str(&text).map_err(|error| broken(&error))?;
            let Some(number) = report["line"].as_u64() else {
                summary = report;
                continue;
            };
            // The users before it were taken.
            for record in records.by_ref() {
                let record = record?;
                let Some(user) = self.mapping.user(&record)? else {
                    continue;
                };
                line += 1;
                if line == number {
                    file.add(&record, &user, &reason(&report))?;
                    break;
                }
            }
        }
        file.finish()?;
        if summary.is_null() {
            let next = format!("read it again with --continue {}", self.key);
            return Err(BulkError::new("the report has no last record", next));
        }
        self.conclude(&summary, &file, speed)
    }

    fn conclude(
        &self,
        summary: &Value,
        file: &RefusedFile,
        speed: &str,
    ) -> Result<String, BulkError> {
        let count = |name: &str| summary[name].as_u64().unwrap_or(0);
        let would = if self.args.dry_run { "would be: " } else { "" };
        let mut text = format!(
            "{would}{} created, {} updated, {} unchanged, {} removed, {} refused ({speed})",
            count("created"),
            count("updated"),
            count("unchanged"),
            count("removed"),
            count("refused"),
        );
        if let Some(path) = file.written() {
            let next = format!(
                "correct the records in {}, whose last value is the reason, and import that file",
                path.display()
            );
            return Err(BulkError::new(text, next));
        }
        if let Some(why) = summary["not_removed"].as_str() {
            let what = format!("{text}\nnobody was removed: {why}");
            return Err(BulkError::new(
                what,
                "check who is absent, then repeat it with --max-deletes",
            ));
        }
        if let (true, Some(absent)) = (self.args.dry_run, summary["absent"].as_u64()) {
            let _ = write!(text, "; {absent} users are absent");
        }
        Ok(text)
    }
}

/// Why the users were not written.
enum WriteError {
    Wire(io::Error),
    File(BulkError),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Wire(error)
    }
}

impl From<BulkError> for WriteError {
    fn from(error: BulkError) -> Self {
        Self::File(error)
    }
}
