//! Telephone numbers in the international form of ITU-T E.164.

use compact_str::CompactString;

/// `+` and 7 to 15 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneNumber(CompactString);

/// The error for an invalid number.
pub const PHONE_NUMBER_RULE: &str = "must be an E.164 number: '+' and 7 to 15 digits";

impl PhoneNumber {
    /// Parses `raw`; `None` if it is not an E.164 number.
    pub fn parse(raw: &str) -> Option<Self> {
        let digits = raw.strip_prefix('+')?;
        let valid = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| Self(raw.into()))
    }

    /// Takes a number that was checked before it was stored.
    pub fn from_stored(number: &str) -> Self {
        Self(number.into())
    }

    /// The number as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::PhoneNumber;

    #[test]
    fn only_e164_numbers_are_taken() {
        for good in ["+1234567", "+442071234567", "+123456789012345"] {
            assert!(PhoneNumber::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "+",
            "442071234567",
            "+123456",
            "+1234567890123456",
            "+44 20 7123",
            "+44a0712345",
            "+٤٤٢٠٧١٢٣٤",
        ] {
            assert!(PhoneNumber::parse(bad).is_none(), "{bad}");
        }
    }
}
