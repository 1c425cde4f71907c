//! Files of text: opened, and checked to be UTF-8 before anything of them is sent.

use crate::bulk_client::failure::BulkError;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Opens a file, behind a byte order mark.
pub(super) fn open(path: &Path) -> Result<BufReader<File>, BulkError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let begins = reader
        .fill_buf()
        .map_err(|error| unreadable(path, &error))?;
    if begins.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    Ok(reader)
}

/// How a file begins.
pub(super) fn beginning(path: &Path) -> Result<String, BulkError> {
    let mut first = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let read = file.take(64 * 1024).read_to_end(&mut first);
    read.map_err(|error| unreadable(path, &error))?;
    Ok(String::from_utf8_lossy(&first).into_owned())
}

/// Makes sure that a file is UTF-8.
pub(in crate::bulk_client) fn check_utf8(path: &Path) -> Result<(), BulkError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let (mut line, mut raw) = (0_u64, Vec::new());
    loop {
        raw.clear();
        line += 1;
        let read = reader.read_until(b'\n', &mut raw);
        if read.map_err(|error| unreadable(path, &error))? == 0 {
            return Ok(());
        }
        if line == 1 && (raw.starts_with(b"\xff\xfe") || raw.starts_with(b"\xfe\xff")) {
            let what = format!("{} is UTF-16, not UTF-8", path.display());
            let next = format!(
                "convert it: iconv -f UTF-16 -t UTF-8 {} > users",
                path.display()
            );
            return Err(BulkError::usage(what, next));
        }
        if let Err(error) = std::str::from_utf8(&raw) {
            let byte = raw.get(error.valid_up_to()).copied().unwrap_or(0);
            let looks_latin = if byte >= 0xa0 {
                "; it looks like Latin-1"
            } else {
                ""
            };
            let what = format!(
                "{}: line {line} is not UTF-8 (byte 0x{byte:02x}){looks_latin}",
                path.display()
            );
            let next = format!(
                "convert it: iconv -f LATIN1 -t UTF-8 {} > users",
                path.display()
            );
            return Err(BulkError::usage(what, next));
        }
    }
}

/// The failure of reading a file.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> BulkError {
    let what = format!("{} cannot be read: {error}", path.display());
    BulkError::usage(what, "name a file that can be read")
}
