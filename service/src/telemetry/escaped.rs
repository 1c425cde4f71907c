//! Text of a log line without control characters: one event stays one line.

use std::fmt::Write as _;

/// Text with control characters (line feeds, escape sequences) escaped.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Some readers treat U+2028 and U+2029 as line ends.
        let speaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let mut rest = self.0;
        while let Some(at) = rest.find(speaks) {
            let (before, from) = rest.split_at(at);
            f.write_str(before)?;
            let mut characters = from.chars();
            for character in characters.next().into_iter().flat_map(char::escape_default) {
                f.write_char(character)?;
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}
