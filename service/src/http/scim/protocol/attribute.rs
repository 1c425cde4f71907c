//! The characteristics of an attribute (RFC 7643, 2.2 and 7).

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Kind {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// An object of sub-attributes.
    Complex,
    /// A point in time (RFC 3339).
    DateTime,
    /// A URI.
    Reference,
}

impl Kind {
    /// The word of schema documents.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Complex => "complex",
            Self::DateTime => "dateTime",
            Self::Reference => "reference",
        }
    }
}

/// Who may set an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Mutability {
    /// The server alone.
    ReadOnly,
    /// Clients, at any time.
    ReadWrite,
}

/// When an attribute is part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Returned {
    /// In every answer.
    Always,
    /// Unless it is excluded.
    Default,
}

/// Among which resources a value is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Uniqueness {
    /// It need not be.
    None,
    /// Among all of this server.
    Server,
}

/// A declared attribute or sub-attribute.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Attribute {
    /// The name, as it is spelt in JSON.
    pub(in crate::http) name: &'static str,
    /// The name with what it is a part of: `name.givenName`; with the URN in front for an attribute of an extension.
    pub(in crate::http) path: &'static str,
    /// The type; of each value when there are several.
    pub(in crate::http) kind: Kind,
    /// Whether the value is an array.
    pub(in crate::http) multi_valued: bool,
    /// Whether a resource must have it.
    pub(in crate::http) required: bool,
    /// Whether case counts when it is compared.
    pub(in crate::http) case_exact: bool,
    /// Who may set it.
    pub(in crate::http) mutability: Mutability,
    /// When it is part of an answer.
    pub(in crate::http) returned: Returned,
    /// Among which resources it is unique.
    pub(in crate::http) uniqueness: Uniqueness,
    /// Suggested values; others are accepted.
    pub(in crate::http) canonical_values: &'static [&'static str],
    /// The parts of a complex value.
    pub(in crate::http) sub_attributes: &'static [Attribute],
    /// A sentence for the schema document.
    pub(in crate::http) description: &'static str,
}

impl Attribute {
    /// The sub-attribute of this name, in any case.
    pub(in crate::http) fn sub_attribute(&self, name: &str) -> Option<&'static Self> {
        named(self.sub_attributes, name)
    }

    /// Whether clients may not set it.
    pub(super) fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }
}

/// The attribute of this name, in any case (RFC 7643, 2.1).
pub(super) fn named(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
