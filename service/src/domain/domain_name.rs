//! The domain of an e-mail address: valid by IDNA 2008 as UTS 46 processes it (non-transitional, STD3 rules, hyphens and
//! lengths checked), in either of its forms: A-labels (`xn--…`) or U-labels.
//!
//! Knows nothing of the part before the `@`.

use super::visibility::{category, is_invisible};
use icu_properties::props::GeneralCategory as Category;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::fmt;

/// Longest label (RFC 1035, 2.3.4), in bytes of its A-label form.
const MAX_LABEL_BYTES: usize = 63;
/// How every A-label begins (RFC 5890, 2.3.2.1).
const A_LABEL_PREFIX: &[u8] = b"xn--";
/// The joiners are valid where the characters around them call for them (RFC 5892, A.1 and A.2), which UTS 46 checks.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Why a domain is not one that mail can be sent to; its display is a sentence for the person who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainNameError {
    /// Nothing stands after the `@`.
    Missing,
    /// An IP address in brackets.
    AddressLiteral,
    /// A dot at the end.
    TrailingDot,
    /// Two dots in a row, or one at the beginning.
    EmptyLabel,
    /// No dot.
    OneLabel,
    /// The last label is a number, as in an IPv4 address.
    LastLabelNumeric,
    /// A label begins or ends with a hyphen.
    HyphenAtEdge,
    /// A label has hyphens as its third and fourth character without being an A-label.
    ReservedHyphens,
    /// A label is longer than DNS allows.
    LabelTooLong,
    /// The whole is longer than DNS allows.
    TooLong,
    /// A label begins with `xn--` and is not the A-label of anything.
    InvalidALabel,
    /// A character that shows nothing, such as a zero-width space or a mark of direction.
    Invisible(char),
    /// A character that domains do not have.
    Character(char),
    /// The characters are valid one by one, but not together: direction, joiners, leading combining marks.
    NotIdna,
}

impl fmt::Display for DomainNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Missing => "must have a domain after the '@'",
            Self::AddressLiteral => {
                "must have a domain after the '@', not an IP address in brackets"
            }
            Self::TrailingDot => "must not end with a dot",
            Self::EmptyLabel => "must not have an empty label in its domain: a dot too many",
            Self::OneLabel => {
                "must have a domain of two or more labels after the '@', such as example.com"
            }
            Self::LastLabelNumeric => {
                "must not have a number as the last label of its domain: IP addresses are not accepted"
            }
            Self::HyphenAtEdge => {
                "must not have a hyphen at the beginning or end of a label of its domain"
            }
            Self::ReservedHyphens => {
                "must not have hyphens in the third and fourth place of a label of its domain"
            }
            Self::LabelTooLong => {
                "must have at most 63 bytes in each label of its domain, as an A-label"
            }
            Self::TooLong => "must have at most 253 bytes in its domain, as A-labels",
            Self::InvalidALabel => {
                "has a label in its domain that begins with 'xn--' and is not a valid A-label (RFC 5890)"
            }
            Self::NotIdna => "must have a domain that is valid by IDNA 2008 (UTS 46)",
            Self::Invisible(c) => {
                let code = u32::from(*c);
                return write!(
                    f,
                    "must not have the invisible character U+{code:04X} in its domain"
                );
            }
            Self::Character(c) => {
                let code = u32::from(*c);
                return write!(
                    f,
                    "must not have the character '{c}' (U+{code:04X}) in its domain"
                );
            }
        };
        f.write_str(text)
    }
}

/// Checks a domain.
///
/// # Errors
/// The first reason found, from left to right.
pub(super) fn check(domain: &str) -> Result<(), DomainNameError> {
    if domain.is_empty() {
        return Err(DomainNameError::Missing);
    }
    if domain.starts_with('[') {
        return Err(DomainNameError::AddressLiteral);
    }
    if is_plain(domain) {
        return check_plain(domain);
    }
    // UTS 46 maps characters that are ignored to nothing: they would stay in what is stored.
    if let Some(c) = domain
        .chars()
        .find(|c| is_invisible(*c) && !JOINERS.contains(c))
    {
        return Err(DomainNameError::Invisible(c));
    }
    let Some(unicode) = unicode_form(domain) else {
        return Err(reason(domain));
    };
    if let Some(c) = unicode.chars().find(|c| !is_letter_or_digit(*c)) {
        return Err(DomainNameError::Character(c));
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Ignore,
        )
        .map_err(|_| DomainNameError::NotIdna)?;
    check_plain(&ascii)?;
    if ascii.len() > 253 {
        return Err(DomainNameError::TooLong);
    }
    Ok(())
}

/// The one form that all spellings of a domain share, but for case: U-labels; `None` when it is not valid.
pub(super) fn canonical(domain: &str) -> Option<String> {
    check(domain).ok()?;
    unicode_form(domain)
}

/// Whether every label is ASCII and means what it spells.
pub(super) fn is_plain(domain: &str) -> bool {
    domain.is_ascii()
        && !domain.as_bytes().split(|b| *b == b'.').any(|label| {
            label
                .get(..A_LABEL_PREFIX.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(A_LABEL_PREFIX))
        })
}

/// LDH labels (RFC 5890, 2.3.1), and A-labels that were found valid.
fn check_plain(domain: &str) -> Result<(), DomainNameError> {
    let mut labels = 0;
    let mut last = "";
    for label in domain.split('.') {
        check_ldh(label, domain)?;
        labels += 1;
        last = label;
    }
    if labels < 2 {
        return Err(DomainNameError::OneLabel);
    }
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DomainNameError::LastLabelNumeric);
    }
    Ok(())
}

fn check_ldh(label: &str, domain: &str) -> Result<(), DomainNameError> {
    let bytes = label.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(if domain.ends_with('.') && !domain.contains("..") {
            DomainNameError::TrailingDot
        } else {
            DomainNameError::EmptyLabel
        });
    };
    if let Some(c) = label
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && *c != '-')
    {
        return Err(DomainNameError::Character(c));
    }
    if *first == b'-' || *last == b'-' {
        return Err(DomainNameError::HyphenAtEdge);
    }
    if bytes.get(2..4) == Some(b"--") && !bytes[..2].eq_ignore_ascii_case(b"xn") {
        return Err(DomainNameError::ReservedHyphens);
    }
    if label.len() > MAX_LABEL_BYTES {
        return Err(DomainNameError::LabelTooLong);
    }
    Ok(())
}

fn unicode_form(domain: &str) -> Option<String> {
    let (unicode, outcome) =
        Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    outcome.is_ok().then(|| unicode.into_owned())
}

/// Why a domain is not valid by UTS 46, which itself says only that it is not.
fn reason(domain: &str) -> DomainNameError {
    for label in domain.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
        if label.is_ascii() && is_plain(label) {
            if let Err(error) = check_ldh(label, domain) {
                return error;
            }
        } else if unicode_form(label).is_none() {
            if label.is_ascii() {
                return DomainNameError::InvalidALabel;
            }
            let invalid = |c: &char| unicode_form(c.encode_utf8(&mut [0; 4])).is_none();
            let is_mark = |c: &char| {
                matches!(
                    category(*c),
                    Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark
                )
            };
            let found = label
                .chars()
                .find(|c| *c != '-' && !is_mark(c) && !JOINERS.contains(c) && invalid(c));
            return match found {
                Some(c) => DomainNameError::Character(c),
                None if label.starts_with('-') || label.ends_with('-') => {
                    DomainNameError::HyphenAtEdge
                }
                None if label.chars().skip(2).take(2).eq("--".chars()) => {
                    DomainNameError::ReservedHyphens
                }
                None => DomainNameError::NotIdna,
            };
        }
    }
    DomainNameError::NotIdna
}

/// What IDNA 2008 leaves of Unicode: letters, digits and marks (RFC 5892, 2.1), the exceptions that are valid (2.6), and
/// those whose context registries check (A.3 to A.9), as RFC 5891, 5.4, asks of a lookup. UTS 46 lets symbols pass.
fn is_letter_or_digit(c: char) -> bool {
    const EXCEPTIONS: [char; 8] = [
        '\u{b7}', '\u{375}', '\u{5f3}', '\u{5f4}', '\u{6fd}', '\u{6fe}', '\u{f0b}', '\u{3007}',
    ];
    // Disallowed by RFC 5892, 2.6, though their category is that of letters or marks.
    const DISALLOWED: [char; 10] = [
        '\u{640}', '\u{7fa}', '\u{302e}', '\u{302f}', '\u{3031}', '\u{3032}', '\u{3033}',
        '\u{3034}', '\u{3035}', '\u{303b}',
    ];
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '-' || c == '.';
    }
    if EXCEPTIONS.contains(&c) || JOINERS.contains(&c) || c == '\u{30fb}' {
        return true;
    }
    !DISALLOWED.contains(&c)
        && matches!(
            category(c),
            Category::LowercaseLetter
                | Category::OtherLetter
                | Category::ModifierLetter
                | Category::NonspacingMark
                | Category::SpacingMark
                | Category::DecimalNumber
        )
}

#[cfg(test)]
mod tests {
    use super::{DomainNameError as E, canonical, check};

    #[test]
    fn domains_of_every_script_are_valid_in_both_forms() {
        for good in [
            "example.com",
            "Example.CO.UK",
            "1and1.com",
            "a-b.c-d.example",
            "münchen.de",
            "xn--mnchen-3ya.de",
            "XN--MNCHEN-3YA.de",
            "faß.de",
            "例子.广告",
            "xn--fsqu00a.xn--4rr70v",
            "παράδειγμα.δοκιμή",
            "пример.испытание",
            "उदाहरण.परीक्षा",
            "إختبار.مثال",
            "l·l.example",
            // A zero-width non-joiner where Persian writes one.
            "نامه\u{200c}ای.com",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn each_reason_has_its_own_name() {
        for (bad, why) in [
            ("", E::Missing),
            ("[127.0.0.1]", E::AddressLiteral),
            ("[IPv6:::1]", E::AddressLiteral),
            ("localhost", E::OneLabel),
            ("例子", E::OneLabel),
            ("example.com.", E::TrailingDot),
            ("例子.广告。", E::TrailingDot),
            ("example..com", E::EmptyLabel),
            (".example.com", E::EmptyLabel),
            ("127.0.0.1", E::LastLabelNumeric),
            ("例子.１２３", E::LastLabelNumeric),
            ("-example.com", E::HyphenAtEdge),
            ("example-.com", E::HyphenAtEdge),
            ("-ü.com", E::HyphenAtEdge),
            ("ab--cd.com", E::ReservedHyphens),
            ("exa_mple.com", E::Character('_')),
            ("exa mple.com", E::Character(' ')),
            ("exa_mplé.com", E::Character('_')),
            ("example\u{37e}.com", E::Character('\u{37e}')),
            ("exa\u{200b}mple.com", E::Invisible('\u{200b}')),
            ("exam\u{ad}ple.com", E::Invisible('\u{ad}')),
            ("\u{202e}moc.example", E::Invisible('\u{202e}')),
            ("a\u{200d}b.com", E::NotIdna),
            ("\u{301}a.com", E::NotIdna),
            ("ا1a.com", E::NotIdna),
            ("xn--a.com", E::InvalidALabel),
            ("xn--.com", E::InvalidALabel),
            // Of plain ASCII, and of a capital letter, which no U-label has.
            ("xn--example-.com", E::InvalidALabel),
            ("xn--tca.com", E::InvalidALabel),
            ("☃.com", E::Character('☃')),
            ("i❤.ws", E::Character('❤')),
            ("xn--n3h.com", E::Character('☃')),
            ("a\u{e000}.com", E::Character('\u{e000}')),
        ] {
            assert_eq!(check(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_dns_in_a_labels() {
        assert_eq!(check(&format!("{}.com", "d".repeat(63))), Ok(()));
        assert_eq!(
            check(&format!("{}.com", "d".repeat(64))),
            Err(E::LabelTooLong)
        );
        // 40 characters, but more than 63 bytes once encoded.
        let long: String = ('\u{4e00}'..'\u{9fff}').step_by(500).take(40).collect();
        assert_eq!(long.chars().count(), 40);
        assert_eq!(check(&format!("{long}.com")), Err(E::LabelTooLong));
    }

    #[test]
    fn all_spellings_of_a_domain_have_one_canonical_form() {
        for spelling in [
            "MÜNCHEN.de",
            "mu\u{308}nchen.de",
            "xn--mnchen-3ya.de",
            "XN--mnchen-3YA.DE",
            "ｍünchen。ｄｅ",
        ] {
            assert_eq!(
                canonical(spelling).as_deref(),
                Some("münchen.de"),
                "{spelling}"
            );
        }
        assert_eq!(
            canonical("ｅｘａｍｐｌｅ．ｃｏｍ").as_deref(),
            Some("example.com")
        );
    }
}
