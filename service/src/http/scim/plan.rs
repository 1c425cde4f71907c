//! How a filter is answered: from an index, or not at all.

use super::protocol::error::{ScimError, ScimType};
use super::protocol::filter::{Filter, Literal, Operator};
use super::protocol::path::AttributePath;
use crate::domain::{ExternalId, FoldedKey, Lookup, UserId, UserStatus};

/// The most lookups of one filter, each a statement.
const MAX_LOOKUPS: usize = 16;

/// Where the users of a filter come from.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    /// All users, or those of one status, page by page.
    Pages(Option<UserStatus>),
    /// The users that the lookups find; the filter is evaluated on each.
    Lookups(Vec<Lookup>),
}

/// The plan of a filter.
///
/// # Errors
/// `tooMany` for a filter that would read every user, `invalidFilter` for one of an attribute that there is not.
pub(super) fn plan(filter: &Filter) -> Result<Plan, ScimError> {
    if let Some(status) = by_status(filter) {
        return Ok(Plan::Pages(status));
    }
    if let Some(unknown) = undeclared(filter) {
        return Err(ScimError::new(
            ScimType::InvalidFilter,
            format!("{unknown} is not an attribute of a user that can be filtered by."),
        ));
    }
    match lookups(filter) {
        Some(lookups) if lookups.len() <= MAX_LOOKUPS => Ok(Plan::Lookups(lookups)),
        Some(_) => Err(ScimError::new(
            ScimType::TooMany,
            format!("A filter may name at most {MAX_LOOKUPS} users."),
        )),
        None => Err(ScimError::new(
            ScimType::TooMany,
            "This filter would read every user: compare userName, externalId, id or emails.value with eq, \
             or filter by active alone and page through the users.",
        )),
    }
}

/// The status, if the filter asks for nothing else; `Some(None)` for a filter that every user matches.
#[allow(clippy::option_option, reason = "each of the three is said above")]
fn by_status(filter: &Filter) -> Option<Option<UserStatus>> {
    match filter {
        Filter::Compare {
            path,
            operator: Operator::Eq,
            value,
        } if path.canonical() == Some("active") => {
            let active = value.as_bool()?;
            Some(Some(if active {
                UserStatus::Active
            } else {
                UserStatus::Suspended
            }))
        }
        Filter::Present(path) if matches!(path.canonical(), Some("id" | "userName")) => Some(None),
        Filter::And(terms) => {
            let mut status = None;
            for term in terms {
                match (status, by_status(term)?) {
                    (_, None) => {}
                    (None, found) => status = found,
                    (Some(one), Some(other)) if one == other => {}
                    // Active and not active at once: left to be refused.
                    _ => return None,
                }
            }
            Some(status)
        }
        _ => None,
    }
}

/// Lookups that find every user that the filter matches, and perhaps others; `None` when no index does.
fn lookups(filter: &Filter) -> Option<Vec<Lookup>> {
    match filter {
        Filter::And(terms) => terms.iter().filter_map(lookups).min_by_key(Vec::len),
        Filter::Or(terms) => {
            let all: Option<Vec<_>> = terms.iter().map(lookups).collect();
            all.map(|all| all.into_iter().flatten().collect())
        }
        Filter::Compare {
            path,
            operator: Operator::Eq,
            value,
        } => by_value(path.canonical()?, value).map(|lookup| lookup.into_iter().collect()),
        Filter::ValuePath { path, filter } if path.canonical() == Some("emails") => {
            in_emails(path, filter).map(|lookup| vec![lookup])
        }
        Filter::Compare { .. } | Filter::ValuePath { .. } | Filter::Present(_) | Filter::Not(_) => {
            None
        }
    }
}

/// The lookup of a value; `Some(None)` when no user has it.
#[allow(clippy::option_option, reason = "each of the three is said above")]
fn by_value(attribute: &str, value: &Literal) -> Option<Option<Lookup>> {
    let text = value.as_str()?;
    Some(match attribute {
        "userName" => Some(Lookup::UserName(FoldedKey::of(text))),
        "externalId" => ExternalId::parse(text).map(Lookup::ExternalId),
        "id" => UserId::parse(text).map(Lookup::Id),
        "emails" | "emails.value" => Some(Lookup::Email(FoldedKey::of(text))),
        _ => return None,
    })
}

/// The lookup of `emails[value eq "…"]`, whatever else is in the brackets.
fn in_emails(parent: &AttributePath, filter: &Filter) -> Option<Lookup> {
    match filter {
        Filter::And(terms) => terms.iter().find_map(|term| in_emails(parent, term)),
        Filter::Compare {
            path,
            operator: Operator::Eq,
            value,
        } if path.canonical_in(parent) == Some("emails.value") => value
            .as_str()
            .map(|text| Lookup::Email(FoldedKey::of(text))),
        _ => None,
    }
}

/// The first attribute of a filter that is not declared, outside of brackets.
fn undeclared(filter: &Filter) -> Option<&AttributePath> {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => terms.iter().find_map(undeclared),
        Filter::Not(filter) => undeclared(filter),
        Filter::Present(path) | Filter::Compare { path, .. } | Filter::ValuePath { path, .. } => {
            path.canonical().is_none().then_some(path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(filter: &str) -> Result<Plan, &'static str> {
        let filter = Filter::parse(filter).unwrap();
        plan(&filter).map_err(|error| error.scim_type.as_str())
    }

    #[test]
    fn what_has_an_index_is_looked_up() {
        let user_name = || Lookup::UserName(FoldedKey::of("a@example.com"));
        let email = || Lookup::Email(FoldedKey::of("a@example.com"));
        for (filter, expected) in [
            ("userName eq \"A@Example.com\"", vec![user_name()]),
            (
                "USERNAME EQ \"a@example.com\" and title pr",
                vec![user_name()],
            ),
            (
                "emails[type eq \"work\"].value eq \"a@example.com\"",
                vec![email()],
            ),
            (
                "emails.value eq \"a@example.com\" and active eq true",
                vec![email()],
            ),
            (
                "userName eq \"a@example.com\" or emails eq \"a@example.com\"",
                vec![user_name(), email()],
            ),
            (
                "externalId eq \"x\"",
                vec![Lookup::ExternalId(ExternalId::parse("x").unwrap())],
            ),
            ("id eq \"no uuid\"", vec![]),
        ] {
            assert_eq!(plan_of(filter), Ok(Plan::Lookups(expected)), "{filter}");
        }
        let active = Plan::Pages(Some(UserStatus::Active));
        assert_eq!(plan_of("active eq true"), Ok(active));
        let suspended = Plan::Pages(Some(UserStatus::Suspended));
        assert_eq!(
            plan_of("active eq \"False\" and userName pr"),
            Ok(suspended)
        );
    }

    #[test]
    fn what_would_read_every_user_is_refused() {
        for filter in [
            "displayName eq \"Ada\"",
            "userName sw \"a\"",
            "userName ne \"a\"",
            "not (userName eq \"a\")",
            "userName eq \"a\" or title eq \"b\"",
            "meta.lastModified gt \"2026-01-01T00:00:00Z\"",
            "active eq true and active eq false",
        ] {
            assert_eq!(plan_of(filter), Err("tooMany"), "{filter}");
        }
        let many: Vec<String> = (0..17).map(|n| format!("userName eq \"{n}\"")).collect();
        assert_eq!(plan_of(&many.join(" or ")), Err("tooMany"));
        assert_eq!(plan_of("shoeSize eq 42"), Err("invalidFilter"));
    }
}
