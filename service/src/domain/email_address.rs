//! E-mail addresses: a dot-atom and a domain (RFC 5322, with Unicode as in RFC 6531), equal without regard to case.

use super::fold::fold;
use compact_str::CompactString;
use std::fmt;

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
    /// The part before the `@` is no dot-atom.
    LocalPart,
    /// The part after the `@` is no domain of two or more labels.
    Domain,
}

impl fmt::Display for EmailAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "must have at most 254 bytes",
            Self::NotOneAt => "must be one address with one '@', such as ada@example.com",
            Self::LocalPart => {
                "must have a dot-atom before the '@' (no quotes, spaces or comments)"
            }
            Self::Domain => {
                "must have a domain of two or more labels after the '@' (no IP literal)"
            }
        })
    }
}

/// Longest address that SMTP can carry (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX_BYTES: usize = 254;
/// Longest label of a domain (RFC 1035, 2.3.4), in bytes of its A-label form; Unicode labels are held to it as characters.
const MAX_LABEL: usize = 63;

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
        if !local.split('.').all(is_atom) {
            return Err(EmailAddressError::LocalPart);
        }
        let mut labels = 0;
        for label in domain.split('.') {
            if !is_label(label) {
                return Err(EmailAddressError::Domain);
            }
            labels += 1;
        }
        let last_is_number = domain
            .rsplit('.')
            .next()
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        if labels < 2 || last_is_number {
            return Err(EmailAddressError::Domain);
        }
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

    /// What two addresses of one user have in common: NFC, then lower case, for all of Unicode.
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

/// `atext` of RFC 5322, 3.2.3, and every non-ASCII character that is neither space nor control (RFC 6531, 3.3).
fn is_atom(atom: &str) -> bool {
    !atom.is_empty()
        && atom.chars().all(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => true,
            c if c.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(c),
            c => is_visible(c),
        })
}

fn is_label(label: &str) -> bool {
    let inner = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || c == '-'
        } else {
            is_visible(c)
        }
    };
    !label.is_empty()
        && label.chars().count() <= MAX_LABEL
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(inner)
}

fn is_visible(c: char) -> bool {
    !c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::{EmailAddress, EmailAddressError as E};

    #[test]
    fn plain_and_international_addresses_are_taken_as_sent() {
        for good in [
            "ada@example.com",
            "Ada.Lovelace+list@Example.Co.UK",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "用户@例子.广告",
            "jörg@müller.example",
            "a@1and1.com",
        ] {
            assert_eq!(
                EmailAddress::parse(&format!(" {good} ")).map(|e| e.as_str().to_owned()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn whatever_is_no_dot_atom_and_domain_is_refused() {
        for (bad, why) in [
            ("", E::NotOneAt),
            ("ada", E::NotOneAt),
            ("a@b@example.com", E::NotOneAt),
            ("@example.com", E::LocalPart),
            ("a..b@example.com", E::LocalPart),
            (".a@example.com", E::LocalPart),
            ("a.@example.com", E::LocalPart),
            ("\"a b\"@example.com", E::LocalPart),
            ("a(comment)@example.com", E::LocalPart),
            ("a b@example.com", E::LocalPart),
            ("a\u{0}@example.com", E::LocalPart),
            ("a@localhost", E::Domain),
            ("a@example..com", E::Domain),
            ("a@-example.com", E::Domain),
            ("a@[127.0.0.1]", E::Domain),
            ("a@127.0.0.1", E::Domain),
            ("a@exa_mple.com", E::Domain),
            ("a@example.com.", E::Domain),
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn limits_are_those_of_smtp_and_dns() {
        let local = "l".repeat(254 - "@example.com".len());
        assert!(EmailAddress::parse(&format!("{local}@example.com")).is_ok());
        assert_eq!(
            EmailAddress::parse(&format!("{local}l@example.com")),
            Err(E::TooLong)
        );
        assert!(EmailAddress::parse(&format!("a@{}.com", "d".repeat(63))).is_ok());
        assert_eq!(
            EmailAddress::parse(&format!("a@{}.com", "d".repeat(64))),
            Err(E::Domain)
        );
    }

    #[test]
    fn one_user_has_one_key_whatever_the_case() {
        let key = |raw| EmailAddress::parse(raw).map(|e| e.key());
        assert_eq!(key("ADA@Example.com"), key("ada@example.COM"));
        assert_eq!(
            key("JÖRG@MÜLLER.example"),
            key("jo\u{308}rg@mu\u{308}ller.EXAMPLE")
        );
    }
}
