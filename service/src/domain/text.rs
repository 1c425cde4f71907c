//! Short texts that people write: names, titles, departments. Trimmed, bounded, free of control characters.

use super::visibility::is_invisible;
use compact_str::CompactString;
use std::fmt;

/// Text of 1 to `MAX` characters (Unicode scalar values), trimmed, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(CompactString);

/// The name of a person: 1 to 200 characters.
pub type PersonName = Text<200>;
/// A title or a department: 1 to 100 characters.
pub type Label = Text<100>;

/// Why a text was refused; its display is a sentence for the person who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Nothing is left after trimming, or nothing that can be seen.
    Empty,
    /// More characters than the limit.
    TooLong {
        /// The limit, in characters.
        max: usize,
    },
    /// A control character (Unicode category Cc) is in it.
    Control,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must not be empty"),
            Self::TooLong { max } => write!(f, "must have at most {max} characters"),
            Self::Control => f.write_str("must not contain control characters"),
        }
    }
}

impl<const MAX: usize> Text<MAX> {
    /// Trims and checks `raw`.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        let text = raw.trim();
        // Ends at the first visible character: the first, of nearly every text.
        if text.chars().all(|c| is_invisible(c) && !c.is_control()) {
            return Err(TextError::Empty);
        }
        // A character takes at least one byte, so short texts need no counting.
        if text.len() > MAX && text.chars().count() > MAX {
            return Err(TextError::TooLong { max: MAX });
        }
        if text.chars().any(char::is_control) {
            return Err(TextError::Control);
        }
        Ok(Self(text.into()))
    }

    /// Takes a text that was checked before it was stored.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Label, PersonName, TextError};

    #[test]
    fn text_is_trimmed_and_kept_as_it_is() {
        assert_eq!(
            PersonName::parse("  Ada Lovelace \u{3000}").map(|n| n.as_str().to_owned()),
            Ok("Ada Lovelace".into())
        );
    }

    #[test]
    fn limits_count_characters_and_not_bytes() {
        assert!(Label::parse(&"é".repeat(100)).is_ok());
        assert_eq!(
            Label::parse(&"é".repeat(101)),
            Err(TextError::TooLong { max: 100 })
        );
    }

    #[test]
    fn blank_text_and_control_characters_are_refused() {
        assert_eq!(Label::parse(" \t "), Err(TextError::Empty));
        for invisible in [
            "\u{200b}",
            "\u{3164}\u{2060}",
            "\u{2800}",
            "\u{202e} \u{202c}",
            "\u{e0041}",
        ] {
            assert_eq!(
                PersonName::parse(invisible),
                Err(TextError::Empty),
                "{invisible:?}"
            );
        }
        assert!(PersonName::parse("می\u{200c}نا").is_ok());
        assert_eq!(Label::parse("a\u{0}b"), Err(TextError::Control));
        assert_eq!(Label::parse("a\u{85}b"), Err(TextError::Control));
    }
}
