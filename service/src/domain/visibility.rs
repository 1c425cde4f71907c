//! Which characters of Unicode a reader cannot see, by the properties of the Unicode Character Database.
//!
//! Two texts that differ in such characters alone look the same. Knows nothing of what a text is for.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Braille pattern without dots: a symbol by its category, and as empty as a space.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether `c` shows nothing: white space, a control, a format character (zero width, direction of text), or one that
/// renderers ignore by default (UAX #44, `Default_Ignorable_Code_Point`), such as the Hangul filler.
pub(super) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_graphic();
    }
    c.is_whitespace()
        || c == BRAILLE_BLANK
        || matches!(
            category(c),
            GeneralCategory::Control | GeneralCategory::Format
        )
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether `c` means nothing to a reader elsewhere: a code point without a character, or one for private use.
pub(super) fn is_unassigned_or_private(c: char) -> bool {
    matches!(
        category(c),
        GeneralCategory::Unassigned | GeneralCategory::PrivateUse
    )
}

/// The general category of `c`.
pub(super) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

#[cfg(test)]
mod tests {
    use super::is_invisible;

    #[test]
    fn what_shows_nothing_is_invisible_and_letters_and_symbols_are_not() {
        for c in [
            ' ',
            '\t',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{e0041}',
        ] {
            assert!(is_invisible(c), "{}", c.escape_unicode());
        }
        for c in ['a', '-', 'é', '\u{301}', '用', '😀', 'ـ'] {
            assert!(!is_invisible(c), "{}", c.escape_unicode());
        }
    }
}
