//! Destinations of lines: standard output, a file, and their common interface.
//!
//! An output writes as much of a batch as it can and returns the error; the writer decides about retries and what to
//! log.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::batch::{Batch, Framing};

/// A destination of lines.
pub(super) trait Output: Send {
    /// Its display name.
    fn describe(&self) -> String;

    fn framing(&self) -> Framing;

    /// Writes the batch, or as much of it as possible; the batch records how much.
    fn write(&mut self, batch: &mut Batch) -> io::Result<()>;

    /// Reopens the destination, if applicable.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output, with its own descriptor: a reader that stops reading blocks only this writer.
pub(super) struct StandardOutput(File);

impl StandardOutput {
    pub(super) fn open() -> io::Result<Self> {
        let own = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self(File::from(own)))
    }
}

impl Output for StandardOutput {
    fn describe(&self) -> String {
        "standard output".to_owned()
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn write(&mut self, batch: &mut Batch) -> io::Result<()> {
        write_stream(&mut self.0, batch)
    }
}

/// A file with whole lines, opened for appending.
pub(super) struct LogFile {
    path: PathBuf,
    file: Option<File>,
}

impl LogFile {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
        }
    }

    fn open(&self) -> io::Result<File> {
        // Logs contain request ids, so they are not world-readable.
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            .open(&self.path)
    }
}

impl Output for LogFile {
    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn write(&mut self, batch: &mut Batch) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let result = write_stream(&mut file, batch);
        if result.is_err() {
            // A full disk accepts a partial line; it is truncated, unless another process has appended.
            let cut = batch.restart_line() as u64;
            if let (Ok(at), Ok(metadata)) = (file.stream_position(), file.metadata())
                && cut > 0
                && metadata.len() == at
            {
                file.set_len(at - cut)?;
            }
        }
        self.file = Some(file);
        result
    }

    fn reopen(&mut self) -> io::Result<()> {
        // The old file stays in use if the new one cannot be opened.
        self.file = Some(self.open()?);
        Ok(())
    }
}

pub(super) fn write_stream(stream: &mut impl Write, batch: &mut Batch) -> io::Result<()> {
    while !batch.rest().is_empty() {
        match stream.write(batch.rest()) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => batch.advance(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
