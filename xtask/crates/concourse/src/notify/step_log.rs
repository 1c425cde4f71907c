//! Reads the log of a task's command (`concourse/tasks/run-step`) for lines to quote.

use std::path::Path;

/// Maximum number of quoted lines.
const QUOTED_LINES: usize = 8;
/// Maximum characters of a quoted line.
const QUOTED_COLUMNS: usize = 200;
/// Logs are read from the end, at most this many bytes.
const READ_BYTES: u64 = 256 * 1024;

/// The step that ended a job, and the first lines of its error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FailedStep {
    pub(crate) name: Option<String>,
    /// Its exit code; `None` if it was interrupted.
    pub(crate) exit_code: Option<i32>,
    pub(crate) first_lines: Vec<String>,
}

/// Reads the directory; `None` if the last step passed.
pub(crate) fn read(folder: &Path) -> FailedStep {
    let text = |file: &str| {
        std::fs::read_to_string(folder.join(file))
            .ok()
            .map(|text| text.trim().to_owned())
    };
    let Some(name) = text("step") else {
        return FailedStep::default();
    };
    let exit_code = text("exit-code").and_then(|code| code.parse().ok());
    if exit_code == Some(0) {
        return FailedStep::default();
    }
    let output = read_end(&folder.join("output")).unwrap_or_default();
    FailedStep {
        name: Some(name),
        exit_code,
        first_lines: first_lines(&output),
    }
}

fn read_end(path: &Path) -> std::io::Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(READ_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// From the first line with an error, or else the last lines.
fn first_lines(output: &str) -> Vec<String> {
    let lines: Vec<_> = output
        .lines()
        .map(without_control)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let names_error = |line: &String| {
        let line = line.trim_start();
        [
            "error", "Error", "ERROR", "FAILED", "fatal", "panicked", "thread '",
        ]
        .iter()
        .any(|word| line.starts_with(word))
            || line.contains("panicked at")
            || line.ends_with("... FAILED")
    };
    let from = lines
        .iter()
        .position(names_error)
        .unwrap_or(lines.len().saturating_sub(QUOTED_LINES));
    lines.into_iter().skip(from).take(QUOTED_LINES).collect()
}

/// Without control characters, truncated to a message's line length.
fn without_control(line: &str) -> String {
    let mut kept = String::new();
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            // The rest of an escape sequence, up to its final letter.
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else if c == '\t' || !c.is_control() {
            kept.push(c);
        }
        if kept.chars().count() == QUOTED_COLUMNS {
            kept.push('…');
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::first_lines;

    #[test]
    fn a_quote_begins_at_the_first_error() {
        let output = "   Compiling roster\n\u{1b}[1m\u{1b}[31merror[E0425]\u{1b}[0m: no `x`\n  --> a.rs:1:1\n\nmore";
        assert_eq!(
            first_lines(output),
            ["error[E0425]: no `x`", "  --> a.rs:1:1", "more"]
        );
    }

    #[test]
    fn without_an_error_the_last_lines_are_quoted() {
        let output = (0..20)
            .map(|n| format!("line {n}"))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(
            first_lines(&output).first().map(String::as_str),
            Some("line 12")
        );
    }

    #[test]
    fn an_endless_line_is_cut() {
        assert_eq!(first_lines(&"x".repeat(5000))[0].chars().count(), 201);
    }
}
