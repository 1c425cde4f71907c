//! Attribute paths: `[urn:…:]name[.sub]` (RFC 7644, 3.10 and figure 1).

use super::attribute::Attribute;
use super::error::{ScimError, ScimType, excerpt};
use super::schema::Container;
use std::fmt::{Display, Formatter};

/// The longest path, in bytes.
const LONGEST: usize = 512;

/// A path as a client wrote it; it need not be declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct AttributePath {
    schema: Option<String>,
    name: String,
    sub: Option<String>,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Declared {
    /// Where the attribute is.
    pub(in crate::http) container: Container,
    /// The attribute.
    pub(in crate::http) attribute: &'static Attribute,
    /// The part of it, if the path names one.
    pub(in crate::http) sub: Option<&'static Attribute>,
}

impl AttributePath {
    /// Reads a path. The URN may have dots and colons: the last colon ends it.
    ///
    /// # Errors
    /// `invalidPath` with a sentence.
    pub(in crate::http) fn parse(raw: &str) -> Result<Self, ScimError> {
        let fault = |why: &str| {
            Err(ScimError::new(
                ScimType::InvalidPath,
                format!("The attribute path {} {why}.", excerpt(raw)),
            ))
        };
        if raw.len() > LONGEST {
            return fault(&format!("is longer than {LONGEST} bytes"));
        }
        let (schema, rest) = match raw.rsplit_once(':') {
            Some((schema, rest)) => (Some(schema), rest),
            None => (None, raw),
        };
        if let Some(schema) = schema
            && !is_urn(schema)
        {
            return fault("does not start with the URN of a schema");
        }
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) {
            return fault("does not name an attribute");
        }
        if let Some(sub) = sub
            && !is_name(sub)
        {
            return fault("does not name a sub-attribute after the dot");
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// The declared spelling of the whole path, such as `name.givenName`; `None` when it is not declared.
    pub(in crate::http) fn canonical(&self) -> Option<&'static str> {
        self.declared().map(Declared::path)
    }

    /// The declared spelling of a path within the value filter of `parent`: `type` in `emails` is `emails.type`.
    pub(in crate::http) fn canonical_in(&self, parent: &Self) -> Option<&'static str> {
        let parent = parent.declared()?;
        self.declared_in(parent.attribute)
            .map(|attribute| attribute.path)
    }

    /// What it names in a resource.
    pub(in crate::http) fn declared(&self) -> Option<Declared> {
        let container = match &self.schema {
            Some(urn) => Container::of_urn(urn)?,
            None => Container::Core,
        };
        let attribute = container.attribute(&self.name)?;
        let sub = match &self.sub {
            Some(name) => Some(attribute.sub_attribute(name)?),
            None => None,
        };
        Some(Declared {
            container,
            attribute,
            sub,
        })
    }

    /// What it names in a value of this attribute.
    pub(super) fn declared_in(&self, attribute: &Attribute) -> Option<&'static Attribute> {
        if self.schema.is_some() || self.sub.is_some() {
            return None;
        }
        attribute.sub_attribute(&self.name)
    }

    /// Whether it names a part of an attribute.
    pub(super) fn has_sub(&self) -> bool {
        self.sub.is_some()
    }
}

impl Display for AttributePath {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}:")?;
        }
        formatter.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl Declared {
    /// The declared spelling.
    pub(in crate::http) fn path(self) -> &'static str {
        self.sub.unwrap_or(self.attribute).path
    }
}

/// Whether this names an attribute: a letter, then letters, digits, `-` and `_`; `$ref` is one, too.
pub(super) fn is_name(raw: &str) -> bool {
    let raw = raw.strip_prefix('$').unwrap_or(raw);
    raw.starts_with(|first: char| first.is_ascii_alphabetic())
        && raw
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether this is a URN (RFC 8141), as far as it matters: no quote, bracket or space is in it.
fn is_urn(raw: &str) -> bool {
    raw.get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
        && raw[4..]
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/%+,;=@!$*'&~#?".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::super::schema::{ENTERPRISE, USER};
    use super::*;

    fn canonical(raw: &str) -> Option<&'static str> {
        AttributePath::parse(raw).unwrap().canonical()
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(canonical("USERNAME"), Some("userName"));
        assert_eq!(canonical("Name.GivenName"), Some("name.givenName"));
        assert_eq!(canonical("emails.Value"), Some("emails.value"));
        assert_eq!(canonical("meta.lastmodified"), Some("meta.lastModified"));
    }

    #[test]
    fn the_urn_of_a_schema_ends_at_the_last_colon() {
        assert_eq!(
            canonical(&format!("{USER}:name.givenName")),
            Some("name.givenName")
        );
        let manager =
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName";
        assert_eq!(canonical(manager), Some(manager));
        assert_eq!(canonical(&manager.to_uppercase()), Some(manager));
        let path = AttributePath::parse(manager).unwrap();
        assert_eq!(path.to_string(), manager);
    }

    #[test]
    fn what_is_not_declared_is_a_path_without_a_declared_spelling() {
        for raw in [
            "nickName",
            "userName.value",
            "name.nickName",
            "urn:example:other:2.0:User:userName",
            "urn:ietf:params:scim:schemas:core:2.0:User:department",
            ENTERPRISE,
            "members.$ref",
        ] {
            assert_eq!(canonical(raw), None, "{raw}");
        }
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        let long = "a".repeat(LONGEST + 1);
        for raw in [
            "",
            ".",
            "name.",
            ".value",
            "name.given.name",
            "1st",
            "user name",
            "User:userName",
            "http://x:userName",
            "urn:a b:userName",
            "emails[type]",
            "urn:",
            "\u{fc}ber",
            &long,
        ] {
            let error = AttributePath::parse(raw).unwrap_err();
            assert_eq!(error.scim_type, ScimType::InvalidPath, "{raw}");
        }
    }

    #[test]
    fn a_path_in_a_value_filter_is_relative() {
        let emails = AttributePath::parse("emails").unwrap();
        let kind = AttributePath::parse("TYPE").unwrap();
        assert_eq!(kind.canonical_in(&emails), Some("emails.type"));
        assert_eq!(emails.canonical_in(&emails), None);
    }
}
