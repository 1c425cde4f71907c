//! `roster export`: every user into a file, which is there under its name once it is complete.

use super::api_args::ApiArgs;
use super::failure::BulkError;
use super::http1::{Api, Body, Response};
use super::progress::Progress;
use clap::{Args, ValueEnum};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

/// The flags of `roster export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// How to reach the service.
    #[command(flatten)]
    pub api: ApiArgs,
    /// File to write; standard output when not given.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format: JSON lines, or CSV.
    #[arg(long, value_enum, default_value = "jsonl")]
    format: ExportFormat,
    /// File for the cursor with which the change feed continues this export: GET /v1/users/changes?after=CURSOR.
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// With CSV: write an apostrophe before what a spreadsheet would take for a formula.
    #[arg(long)]
    formula_safe: bool,
    /// Only the user with this address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Only users of this department.
    #[arg(long, value_name = "NAME")]
    department: Option<String>,
    /// Only users of this status: active or suspended.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only users whose name or address contains this.
    #[arg(long, short, value_name = "TEXT")]
    q: Option<String>,
}

/// What users are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header row
    Csv,
}

/// Exports; what is reported of it on standard error.
///
/// # Errors
/// When the export is not complete. A file is then left out, or as it was.
pub fn run(args: &ExportArgs) -> Result<String, BulkError> {
    let api = Api::open(&args.api)?;
    let accept = match args.format {
        ExportFormat::Jsonl => "application/jsonl",
        ExportFormat::Csv => "text/csv",
    };
    let headers = [("accept", accept.to_owned())];
    let none: Option<fn(&mut Body<'_>) -> io::Result<()>> = None;
    let response = api.request("GET", &target(args), &headers, none)?;
    let mut response = response.require(200, "nothing was exported")?;
    let users = match &args.output {
        Some(path) => to_file(&mut response, path)?,
        None => copy(&mut response, io::stdout().lock())?,
    };
    let Some(cursor) = response.field("changes-cursor") else {
        let what = "the export is incomplete: the cursor is missing";
        return Err(BulkError::new(what, "run it again"));
    };
    if let Some(path) = &args.cursor_file {
        std::fs::write(path, format!("{cursor}\n")).map_err(|error| not_written(path, &error))?;
    }
    Ok(users)
}

fn target(args: &ExportArgs) -> String {
    let mut pairs = Vec::new();
    let filters = [
        ("email", &args.email),
        ("department", &args.department),
        ("status", &args.status),
        ("q", &args.q),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            pairs.push(format!(
                "{name}={}",
                utf8_percent_encode(value, NON_ALPHANUMERIC)
            ));
        }
    }
    if args.formula_safe {
        pairs.push("formula_safe=true".to_owned());
    }
    let separator = if pairs.is_empty() { "" } else { "?" };
    format!("/v1/users/export{separator}{}", pairs.join("&"))
}

/// Writes beside the file, and renames what is complete.
fn to_file(response: &mut Response, path: &Path) -> Result<String, BulkError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = File::create(&partial)
        .map_err(|error| not_written(&partial, &error))
        .and_then(|file| {
            let users = copy(response, BufWriter::new(&file))?;
            file.sync_all()
                .map_err(|error| not_written(&partial, &error))?;
            Ok(users)
        })
        .and_then(|users| {
            std::fs::rename(&partial, path).map_err(|error| not_written(path, &error))?;
            Ok(users)
        });
    written.inspect_err(|_| drop(std::fs::remove_file(&partial)))
}

fn copy(response: &mut Response, mut out: impl Write) -> Result<String, BulkError> {
    let mut progress = Progress::new("export", None);
    let mut buffer = vec![0; 64 * 1024];
    let (mut bytes, mut lines) = (0, 0);
    loop {
        let read = response.read(&mut buffer).map_err(|error| {
            let what = format!("the export broke off: {error}");
            BulkError::new(what, "run it again; the log of the service says why")
        })?;
        if read == 0 {
            break;
        }
        let not_written = |error: io::Error| {
            BulkError::new(
                format!("the users cannot be written: {error}"),
                "make room for them",
            )
        };
        out.write_all(&buffer[..read]).map_err(not_written)?;
        bytes += read as u64;
        lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        progress.show(lines, bytes);
    }
    out.flush().map_err(|error| {
        BulkError::new(
            format!("the users cannot be written: {error}"),
            "make room for them",
        )
    })?;
    // One line is not a user: the header row of CSV, the last record of the other.
    let users = lines.saturating_sub(1);
    Ok(format!("{users} users exported in {}", progress.end(users)))
}

fn not_written(path: &Path, error: &io::Error) -> BulkError {
    let what = format!("{} cannot be written: {error}", path.display());
    BulkError::new(what, "choose another file")
}
