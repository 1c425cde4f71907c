//! The attributes that are declared: the User schema, its enterprise extension, and what every resource has.
//!
//! What is not declared here is ignored where a client sends it (RFC 7644, 3.3).

use super::attribute::{Attribute, Kind, Mutability, Returned, Uniqueness, named};

/// The core schema of a user.
pub(in crate::http) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The extension for enterprises.
pub(in crate::http) const ENTERPRISE: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The most values that a multi-valued attribute may have.
pub(in crate::http) const MAX_VALUES: usize = 50;
/// The longest string, in bytes.
pub(in crate::http) const MAX_TEXT_BYTES: usize = 1024;

/// Where the attributes of a schema are in a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Container {
    /// At the top: the core schema, and what every resource has.
    Core,
    /// Below the URN of the enterprise extension.
    Enterprise,
}

impl Container {
    /// The one that this URN names, in any case.
    pub(in crate::http) fn of_urn(urn: &str) -> Option<Self> {
        if urn.eq_ignore_ascii_case(USER) {
            Some(Self::Core)
        } else if urn.eq_ignore_ascii_case(ENTERPRISE) {
            Some(Self::Enterprise)
        } else {
            None
        }
    }

    /// The key that holds the attributes; none for those at the top.
    pub(in crate::http) fn key(self) -> Option<&'static str> {
        match self {
            Self::Core => None,
            Self::Enterprise => Some(ENTERPRISE),
        }
    }

    /// The attribute of this name, in any case.
    pub(in crate::http) fn attribute(self, name: &str) -> Option<&'static Attribute> {
        match self {
            Self::Core => named(USER_ATTRIBUTES, name).or_else(|| named(COMMON_ATTRIBUTES, name)),
            Self::Enterprise => named(ENTERPRISE_ATTRIBUTES, name),
        }
    }
}

/// The start of a declaration.
const TEXT: Attribute = Attribute {
    name: "",
    path: "",
    kind: Kind::String,
    multi_valued: false,
    required: false,
    case_exact: false,
    mutability: Mutability::ReadWrite,
    returned: Returned::Default,
    uniqueness: Uniqueness::None,
    canonical_values: &[],
    sub_attributes: &[],
    description: "",
};

const fn text(name: &'static str, path: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        path,
        description,
        ..TEXT
    }
}

const fn set_by_server(name: &'static str, path: &'static str, kind: Kind) -> Attribute {
    Attribute {
        name,
        path,
        kind,
        case_exact: true,
        mutability: Mutability::ReadOnly,
        ..TEXT
    }
}

/// What every resource has (RFC 7643, 3.1). Schema documents do not list it.
pub(in crate::http) static COMMON_ATTRIBUTES: &[Attribute] = &[
    Attribute {
        multi_valued: true,
        returned: Returned::Always,
        ..set_by_server("schemas", "schemas", Kind::Reference)
    },
    Attribute {
        returned: Returned::Always,
        uniqueness: Uniqueness::Server,
        ..set_by_server("id", "id", Kind::String)
    },
    Attribute {
        case_exact: true,
        ..text("externalId", "externalId", "")
    },
    Attribute {
        sub_attributes: &[
            set_by_server("resourceType", "meta.resourceType", Kind::String),
            set_by_server("created", "meta.created", Kind::DateTime),
            set_by_server("lastModified", "meta.lastModified", Kind::DateTime),
            set_by_server("location", "meta.location", Kind::Reference),
            set_by_server("version", "meta.version", Kind::String),
        ],
        ..set_by_server("meta", "meta", Kind::Complex)
    },
];

/// The core schema.
pub(in crate::http) static USER_ATTRIBUTES: &[Attribute] = &[
    Attribute {
        required: true,
        uniqueness: Uniqueness::Server,
        ..text(
            "userName",
            "userName",
            "The name that the user signs in with: an e-mail address, unique without regard to case.",
        )
    },
    Attribute {
        kind: Kind::Complex,
        sub_attributes: &[
            text(
                "formatted",
                "name.formatted",
                "The whole name, as it is displayed.",
            ),
            text(
                "familyName",
                "name.familyName",
                "The family name, or last name.",
            ),
            text(
                "givenName",
                "name.givenName",
                "The given name, or first name.",
            ),
            text("middleName", "name.middleName", "The middle names."),
        ],
        ..text("name", "name", "The parts of the user's name.")
    },
    text(
        "displayName",
        "displayName",
        "The name of the user, as it is shown to others.",
    ),
    text(
        "title",
        "title",
        "What the user is called in the organisation, such as Vice President.",
    ),
    Attribute {
        kind: Kind::Boolean,
        ..text("active", "active", "Whether the user may act.")
    },
    Attribute {
        kind: Kind::Complex,
        multi_valued: true,
        sub_attributes: &[
            text("value", "emails.value", "An e-mail address."),
            Attribute {
                canonical_values: &["work", "home", "other"],
                ..text("type", "emails.type", "What the address is used for.")
            },
            Attribute {
                kind: Kind::Boolean,
                ..text(
                    "primary",
                    "emails.primary",
                    "Whether this address is the preferred one; true for one at most.",
                )
            },
        ],
        ..text("emails", "emails", "The e-mail addresses of the user.")
    },
    Attribute {
        kind: Kind::Complex,
        multi_valued: true,
        sub_attributes: &[
            text(
                "value",
                "phoneNumbers.value",
                "A phone number, in any notation.",
            ),
            Attribute {
                canonical_values: &["work", "home", "mobile", "fax", "pager", "other"],
                ..text("type", "phoneNumbers.type", "What the number is used for.")
            },
            Attribute {
                kind: Kind::Boolean,
                ..text(
                    "primary",
                    "phoneNumbers.primary",
                    "Whether this number is the preferred one; true for one at most.",
                )
            },
        ],
        ..text(
            "phoneNumbers",
            "phoneNumbers",
            "The phone numbers of the user.",
        )
    },
];

/// The enterprise extension (RFC 7643, 4.3).
pub(in crate::http) static ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    text(
        "employeeNumber",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
        "What the organisation identifies the person by.",
    ),
    text(
        "department",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "Where the person belongs in the organisation.",
    ),
    Attribute {
        kind: Kind::Complex,
        sub_attributes: &[
            Attribute {
                case_exact: true,
                ..text(
                    "value",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                    "The identifier of the manager, as the client keeps it.",
                )
            },
            text(
                "displayName",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
                "The name of the manager, as the client keeps it.",
            ),
        ],
        ..text(
            "manager",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            "The manager of the user.",
        )
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attributes: &[Attribute], parent: &str) {
        for attribute in attributes {
            assert_eq!(attribute.path, format!("{parent}{}", attribute.name));
            assert_eq!(
                attribute.kind == Kind::Complex,
                !attribute.sub_attributes.is_empty(),
                "{}",
                attribute.path
            );
            let prefix = format!("{}.", attribute.path);
            check(attribute.sub_attributes, &prefix);
        }
    }

    #[test]
    fn every_path_is_the_name_with_what_it_is_a_part_of() {
        check(COMMON_ATTRIBUTES, "");
        check(USER_ATTRIBUTES, "");
        check(ENTERPRISE_ATTRIBUTES, &format!("{ENTERPRISE}:"));
    }

    #[test]
    fn schemas_and_attributes_are_found_in_any_case() {
        let container = Container::of_urn(&ENTERPRISE.to_uppercase()).unwrap();
        assert_eq!(container, Container::Enterprise);
        assert_eq!(
            container.attribute("DEPARTMENT").unwrap().name,
            "department"
        );
        assert_eq!(
            Container::Core.attribute("username").unwrap().name,
            "userName"
        );
        assert_eq!(Container::Core.attribute("department"), None);
    }
}
