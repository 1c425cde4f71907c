//! Prints to stdout and stderr, for every program of the workspace.
//!
//! A reader that has gone (`| head -1`) is not an error: the rest is dropped, and the program does its work to the end
//! and exits as it would have. Dying of SIGPIPE instead would stop a deploy half-way, and a server whose peer has
//! disconnected. Any other error (a full disk) is kept for [`finish`]. Colours are removed unless a terminal reads.
//!
//! `std::println!` and `anstream::println!` panic in both cases; clippy refuses them here (`clippy.toml`).

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// The first error that was not a closed pipe.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Prints to stdout, without adding a line feed.
pub fn to_stdout(text: Arguments<'_>) {
    keep(anstream::stdout().lock().write_fmt(text), &FAILED);
}

/// Prints to stdout what nobody can get again.
///
/// # Errors
/// When it was not written, also because the reader has gone.
pub fn deliver(text: Arguments<'_>) -> Result<(), String> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_fmt(text).and_then(|()| stdout.flush());
    written.map_err(|error| format!("cannot write to standard output: {error}"))
}

/// Prints to stderr. Errors are dropped: there is nowhere to report them.
pub fn to_stderr(text: Arguments<'_>) {
    let _ = anstream::stderr().lock().write_fmt(text);
}

/// Flushes stdout; the first error of printing to it, if there was one. For the end of `main`, and before waiting for a
/// reader to act on what was printed.
pub fn finish() -> Result<(), String> {
    keep(anstream::stdout().lock().flush(), &FAILED);
    match FAILED.get() {
        None => Ok(()),
        Some(error) => Err(format!("cannot write to standard output: {error}")),
    }
}

fn keep(written: io::Result<()>, failed: &OnceLock<io::Error>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        // The first one is the cause.
        let _ = failed.set(error);
    }
}

/// [`std::println`], as this crate prints.
#[macro_export]
macro_rules! println {
    () => { $crate::to_stdout(::std::format_args!("\n")) };
    ($($text:tt)*) => { $crate::to_stdout(::std::format_args!("{}\n", ::std::format_args!($($text)*))) };
}

/// [`std::print`], as this crate prints.
#[macro_export]
macro_rules! print {
    ($($text:tt)*) => { $crate::to_stdout(::std::format_args!($($text)*)) };
}

/// [`std::eprintln`], as this crate prints.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::to_stderr(::std::format_args!("\n")) };
    ($($text:tt)*) => { $crate::to_stderr(::std::format_args!("{}\n", ::std::format_args!($($text)*))) };
}

/// [`std::eprint`], as this crate prints.
#[macro_export]
macro_rules! eprint {
    ($($text:tt)*) => { $crate::to_stderr(::std::format_args!($($text)*)) };
}

#[cfg(test)]
mod tests {
    use super::keep;
    use std::io::{Error, ErrorKind};
    use std::sync::OnceLock;

    #[test]
    fn only_a_closed_pipe_is_not_an_error_of_printing() {
        let failed = OnceLock::new();
        keep(Err(Error::from(ErrorKind::BrokenPipe)), &failed);
        assert!(failed.get().is_none());
        keep(Err(Error::from(ErrorKind::StorageFull)), &failed);
        keep(Err(Error::from(ErrorKind::PermissionDenied)), &failed);
        let kept = failed.get().map(Error::kind);
        assert_eq!(kept, Some(ErrorKind::StorageFull));
    }
}
