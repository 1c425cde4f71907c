//! Folding of text for comparison without regard to case: NFC, then lower case, for all of Unicode.
//!
//! Σ has two small forms, of which σ is kept: ΟΔΟΣ, οδος and οδοσ differ in case alone.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Folds `text` so that two texts that differ in case or in composition alone become equal.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut lower = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.to_lowercase(),
        _ => text.nfc().collect::<String>().to_lowercase(),
    };
    if lower.contains('ς') {
        lower = lower.replace('ς', "σ");
    }
    // Lower-casing can leave a sequence that composes (İ becomes i and a dot above): normalise what is kept.
    match is_nfc_quick(lower.chars()) {
        IsNormalized::Yes => lower,
        _ => lower.nfc().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn case_is_folded_beyond_ascii() {
        assert_eq!(fold("ÄRGER@Bücher.Example"), "ärger@bücher.example");
        assert_eq!(fold("ΑΒΓ"), "αβγ");
    }

    #[test]
    fn the_two_small_forms_of_sigma_are_one_letter() {
        assert_eq!(fold("ΟΔΟΣ@x"), fold("οδος@x"));
        assert_eq!(fold("ΟΔΟΣ@x"), fold("οδοσ@x"));
    }

    #[test]
    fn composed_and_decomposed_forms_are_equal() {
        assert_eq!(fold("Jose\u{301}"), fold("JOSÉ"));
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for text in ["İstanbul", "ΌΔΥΣΣΕΎΣ", "A\u{30a}ngstro\u{308}m", "ǅ"] {
            let once = fold(text);
            assert_eq!(fold(&once), once, "{text}");
        }
    }
}
