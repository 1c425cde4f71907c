//! E-mail addresses: a dot-atom and a domain (RFC 5322, with Unicode as in RFC 6531), equal without regard to case and
//! to how the domain is spelled.
//!
//! Local parts: every character that an address may have without quotes, of any script, in the form that NFC gives it,
//! but for those by which two addresses look the same and are not: invisible ones, and compatibility forms such as
//! full-width letters (the classes that RFC 8264, 9, keeps out of identifiers). Symbols such as emoji stay: mailboxes
//! have them.

use super::domain_name::{self, DomainNameError};
use super::fold::fold;
use super::visibility::{is_invisible, is_unassigned_or_private};
use compact_str::CompactString;
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// One address, at most 254 bytes, kept as it was sent (trimmed).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailAddress(CompactString);

/// Why an address was refused; its display is a sentence for the person who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailAddressError {
    /// More than 254 bytes.
    TooLong,
    /// No `@`, or more than one.
    NotOneAt,
    /// The part before the `@` cannot be one.
    LocalPart(LocalPartError),
    /// The part after the `@` is not the domain of a mail system.
    Domain(DomainNameError),
}

/// Why the part before the `@` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalPartError {
    /// Nothing stands there.
    Missing,
    /// Two dots in a row, or one at the beginning or the end.
    Dot,
    /// A quoted string, which RFC 5322 has and this directory does not take.
    Quoted,
    /// A character that shows nothing, a space included.
    Invisible(char),
    /// A character that normalisation (NFKC) replaces, such as a full-width letter.
    Compatibility(char),
    /// Any other character that is not part of a dot-atom.
    Character(char),
}

impl fmt::Display for EmailAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("must have at most 254 bytes"),
            Self::NotOneAt => {
                f.write_str("must be one address with one '@', such as ada@example.com")
            }
            Self::LocalPart(error) => error.fmt(f),
            Self::Domain(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for LocalPartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, c) = match *self {
            Self::Missing => return f.write_str("must have something before the '@'"),
            Self::Dot => {
                return f.write_str(
                    "must not have two dots in a row, or one at either end, before the '@'",
                );
            }
            Self::Quoted => {
                return f.write_str(
                    "must not have quotes before the '@': quoted local parts are not accepted",
                );
            }
            Self::Invisible(c) => {
                let code = u32::from(c);
                return write!(
                    f,
                    "must not have the invisible character U+{code:04X} before the '@'"
                );
            }
            Self::Compatibility(c) => ("the compatibility form", c),
            Self::Character(c) => ("the character", c),
        };
        let code = u32::from(c);
        write!(
            f,
            "must not have {what} '{c}' (U+{code:04X}) before the '@'"
        )
    }
}

/// Longest address that SMTP can carry (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX_BYTES: usize = 254;

impl EmailAddress {
    /// Trims and checks `raw`.
    pub fn parse(raw: &str) -> Result<Self, EmailAddressError> {
        let address = raw.trim();
        if address.len() > MAX_BYTES {
            return Err(EmailAddressError::TooLong);
        }
        let (local, domain) = address.split_once('@').ok_or(EmailAddressError::NotOneAt)?;
        if domain.contains('@') {
            return Err(EmailAddressError::NotOneAt);
        }
        check_local_part(local).map_err(EmailAddressError::LocalPart)?;
        domain_name::check(domain).map_err(EmailAddressError::Domain)?;
        Ok(Self(address.into()))
    }

    /// Takes an address that was checked before it was stored.
    pub fn from_stored(address: &str) -> Self {
        Self(address.into())
    }

    /// The address as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two addresses of one user have in common: the domain in U-labels, then NFC and lower case for all of Unicode.
    ///
    /// An address that was stored under older rules and is not valid today keeps the key that it had.
    pub fn key(&self) -> String {
        let Some((local, domain)) = self.0.split_once('@') else {
            return fold(&self.0);
        };
        if domain_name::is_plain(domain) {
            return fold(&self.0);
        }
        match domain_name::canonical(domain) {
            Some(canonical) => fold(&format!("{local}@{canonical}")),
            None => fold(&self.0),
        }
    }
}

/// A dot-atom (RFC 5322, 3.2.3) with the characters of RFC 6531, 3.3, but for those that deceive.
fn check_local_part(local: &str) -> Result<(), LocalPartError> {
    if local.is_ascii() {
        return check_dot_atom(local);
    }
    let invisible = local.chars().find(|c| !c.is_ascii() && is_invisible(*c));
    if let Some(c) = invisible {
        return Err(LocalPartError::Invisible(c));
    }
    // Checked as it is compared: some characters become ASCII ones by NFC.
    let composed: String = local.nfc().collect();
    check_dot_atom(&composed)?;
    match composed.chars().find(|c| !c.nfkc().eq([*c])) {
        Some(c) => Err(LocalPartError::Compatibility(c)),
        None => Ok(()),
    }
}

fn check_dot_atom(text: &str) -> Result<(), LocalPartError> {
    if text.is_empty() {
        return Err(LocalPartError::Missing);
    }
    for atom in text.split('.') {
        if atom.is_empty() {
            return Err(LocalPartError::Dot);
        }
        if let Some(c) = atom.chars().find(|c| !is_atext(*c)) {
            return Err(match c {
                '"' => LocalPartError::Quoted,
                c if is_invisible(c) => LocalPartError::Invisible(c),
                c => LocalPartError::Character(c),
            });
        }
    }
    Ok(())
}

/// `atext` of RFC 5322, 3.2.3, and the non-ASCII characters that stand for something.
fn is_atext(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        c if c.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(c),
        c => !is_unassigned_or_private(c),
    }
}

#[cfg(test)]
mod tests {
    use super::{DomainNameError, EmailAddress, EmailAddressError as E, LocalPartError as L};
    use proptest::prelude::*;

    #[test]
    fn plain_and_international_addresses_are_taken_as_sent() {
        for good in [
            "ada@example.com",
            "Ada.Lovelace+list@Example.Co.UK",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "用户@例子.广告",
            "jörg@müller.example",
            "jo\u{308}rg@mu\u{308}ller.example",
            "jörg@xn--mller-kva.example",
            "θσερ@εχαμπλε.ψομ",
            "Δοκιμή@παράδειγμα.δοκιμή",
            "😀@example.com",
            "a@1and1.com",
        ] {
            assert_eq!(
                EmailAddress::parse(&format!(" {good} ")).map(|e| e.as_str().to_owned()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn an_address_is_refused_for_the_reason_that_it_has() {
        for (bad, why) in [
            ("", E::NotOneAt),
            ("ada", E::NotOneAt),
            ("a@b@example.com", E::NotOneAt),
            ("@example.com", E::LocalPart(L::Missing)),
            ("a..b@example.com", E::LocalPart(L::Dot)),
            (".a@example.com", E::LocalPart(L::Dot)),
            ("a.@example.com", E::LocalPart(L::Dot)),
            ("\"a b\"@example.com", E::LocalPart(L::Quoted)),
            ("a(comment)@example.com", E::LocalPart(L::Character('('))),
            ("a b@example.com", E::LocalPart(L::Invisible(' '))),
            ("a\u{0}@example.com", E::LocalPart(L::Invisible('\u{0}'))),
            (
                "a\u{200b}da@example.com",
                E::LocalPart(L::Invisible('\u{200b}')),
            ),
            (
                "\u{202e}ada@example.com",
                E::LocalPart(L::Invisible('\u{202e}')),
            ),
            (
                "a\u{3164}@example.com",
                E::LocalPart(L::Invisible('\u{3164}')),
            ),
            ("ａda@example.com", E::LocalPart(L::Compatibility('ａ'))),
            (
                "a\u{ff0e}b@example.com",
                E::LocalPart(L::Compatibility('．')),
            ),
            // NFC makes a semicolon of the Greek question mark.
            ("a\u{37e}b@example.com", E::LocalPart(L::Character(';'))),
            (
                "a\u{e000}@example.com",
                E::LocalPart(L::Character('\u{e000}')),
            ),
            ("a@localhost", E::Domain(DomainNameError::OneLabel)),
            ("a@[127.0.0.1]", E::Domain(DomainNameError::AddressLiteral)),
            ("a@example.com.", E::Domain(DomainNameError::TrailingDot)),
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn limits_are_those_of_smtp() {
        let local = "l".repeat(254 - "@example.com".len());
        assert!(EmailAddress::parse(&format!("{local}@example.com")).is_ok());
        assert_eq!(
            EmailAddress::parse(&format!("{local}l@example.com")),
            Err(E::TooLong)
        );
    }

    #[test]
    fn one_user_has_one_key_whatever_the_case_and_the_spelling_of_the_domain() {
        let key = |raw| EmailAddress::parse(raw).map(|e| e.key());
        assert_eq!(key("ADA@Example.com"), key("ada@example.COM"));
        for spelling in [
            "jo\u{308}rg@mu\u{308}ller.EXAMPLE",
            "jörg@xn--mller-kva.example",
            "jörg@XN--MLLER-KVA.example",
            "jörg@müller。example",
            "jörg@ｍüller.example",
        ] {
            assert_eq!(key("JÖRG@MÜLLER.example"), key(spelling), "{spelling}");
        }
        assert_eq!(key("ada@ｅｘａｍｐｌｅ．ｃｏｍ"), key("ada@example.com"));
    }

    #[test]
    fn an_address_of_older_rules_keeps_its_key() {
        let stored = EmailAddress::from_stored("Ada@xn--a.Example");
        assert_eq!(stored.key(), "ada@xn--a.example");
    }

    proptest! {
        #[test]
        fn the_key_of_an_address_is_an_address_with_the_same_key(
            raw in "[a-zA-Zäß\u{37e}ςΣé\u{301}]{1,3}@(xn--)?[a-z0-9äßσςΣé\u{301}ｅ-]{1,6}[.。](com|xn--p1ai|рф|ＤＥ)"
        ) {
            if let Ok(address) = EmailAddress::parse(&raw) {
                let key = address.key();
                let again = EmailAddress::parse(&key);
                prop_assert_eq!(again.map(|address| address.key()), Ok(key));
            }
        }
    }
}
