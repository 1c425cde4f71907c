//! Lists of users: what is asked for, in which order, from where on.

use super::{EmailAddress, FeedPosition, Label, Timestamp, User, UserId, UserStatus, fold::fold};
use std::any::Any;
use std::sync::OnceLock;

/// What a list is sorted by; ties are broken by the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortField {
    /// Time of creation.
    CreatedAt,
    /// Name, without regard to case, by code point.
    Name,
    /// E-mail address, without regard to case, by code point.
    Email,
}

/// An order of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// What decides.
    pub field: SortField,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self {
            field: SortField::CreatedAt,
            descending: false,
        }
    }
}

impl Sort {
    /// Every order, with the word that names it in a query.
    pub const ALL: [(&'static str, Self); 6] = [
        (
            "created_at",
            Self {
                field: SortField::CreatedAt,
                descending: false,
            },
        ),
        (
            "-created_at",
            Self {
                field: SortField::CreatedAt,
                descending: true,
            },
        ),
        (
            "name",
            Self {
                field: SortField::Name,
                descending: false,
            },
        ),
        (
            "-name",
            Self {
                field: SortField::Name,
                descending: true,
            },
        ),
        (
            "email",
            Self {
                field: SortField::Email,
                descending: false,
            },
        ),
        (
            "-email",
            Self {
                field: SortField::Email,
                descending: true,
            },
        ),
    ];

    /// Reads a word of a query.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(word, _)| *word == raw)
            .map(|(_, sort)| sort)
    }

    /// The word of a query that names this order.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(_, sort)| *sort == self)
            .map_or("created_at", |(word, _)| word)
    }
}

/// A substring to look for in names and addresses, without regard to case: 2 to 100 characters, folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Search(String);

impl Search {
    /// Folds and checks `raw`; `None` when it is too short or too long, or has control characters.
    pub fn parse(raw: &str) -> Option<Self> {
        let fits = (2..=100).contains(&raw.chars().count()) && !raw.chars().any(char::is_control);
        let folded = fold(raw);
        (fits && folded.chars().count() >= 2).then_some(Self(folded))
    }

    /// The folded substring.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which users are wanted; those that are given are combined with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filters {
    /// The user with this address.
    pub email: Option<EmailAddress>,
    /// Users of this department, exactly.
    pub department: Option<Label>,
    /// Users of this status.
    pub status: Option<UserStatus>,
    /// Users whose name or address contains this.
    pub search: Option<Search>,
}

/// Where a page ends, and so where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The last user's place in the order.
    pub after: SortPosition,
    /// The newest change when the page was read: the next page is read in a history that has it.
    /// `None` in cursors of releases that did not record it.
    pub seen: Option<FeedPosition>,
}

/// A user's place in an order: its value of the sort field, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SortPosition {
    /// The position in an order by time.
    Time(Timestamp, UserId),
    /// The position in an order by folded text.
    Text(String, UserId),
}

impl SortPosition {
    /// The position of `user` in the order `field`.
    pub fn of(field: SortField, user: &User) -> Self {
        match field {
            SortField::CreatedAt => Self::Time(user.created_at, user.id),
            SortField::Name => Self::Text(fold(user.profile.name.as_str()), user.id),
            SortField::Email => Self::Text(user.profile.email.key(), user.id),
        }
    }
}

/// One page to be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// Which users.
    pub filters: Filters,
    /// In which order.
    pub sort: Sort,
    /// After which position; from the beginning when absent.
    pub after: Option<Cursor>,
    /// How many at the most: 1 to 200.
    pub limit: u8,
}

/// One page that was read, shared by all requests that asked for it at the same time.
#[derive(Debug)]
pub struct Page {
    /// The users, in the order asked for.
    pub users: Vec<User>,
    /// Where to go on, while there is more.
    pub next: Option<Cursor>,
    derived: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Page {
    /// A page that was just read.
    pub fn new(users: Vec<User>, next: Option<Cursor>) -> Self {
        Self {
            users,
            next,
            derived: OnceLock::new(),
        }
    }

    /// What `derive` makes of this page, made once for all requests that share the page as long as they ask for one type.
    pub fn derived<T, E>(&self, derive: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E>
    where
        T: Any + Clone + Send + Sync,
    {
        if let Some(derived) = self.derived.get().and_then(|any| any.downcast_ref::<T>()) {
            return Ok(derived.clone());
        }
        let derived = derive(self)?;
        // Another request may have been quicker: its result is as good.
        let _ = self.derived.set(Box::new(derived.clone()));
        Ok(derived)
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, Search, Sort};

    #[test]
    fn every_order_is_read_back_from_its_word() {
        for (word, sort) in Sort::ALL {
            assert_eq!(Sort::parse(word), Some(sort));
            assert_eq!(sort.as_str(), word);
        }
        assert_eq!(Sort::parse("id"), None);
    }

    #[test]
    fn a_search_has_two_to_a_hundred_characters() {
        assert!(Search::parse("é").is_none());
        assert_eq!(
            Search::parse("ÉÀ").map(|s| s.as_str().to_owned()),
            Some("éà".into())
        );
        assert!(Search::parse(&"x".repeat(100)).is_some());
        assert!(Search::parse(&"x".repeat(101)).is_none());
        assert!(Search::parse("a\nb").is_none());
    }

    #[test]
    fn what_is_derived_of_a_page_is_derived_once() {
        let page = Page::new(Vec::new(), None);
        let first = page.derived(|page| Ok::<_, ()>(page.users.len()));
        let second = page.derived(|_| Ok::<_, ()>(7_usize));
        assert_eq!((first, second), (Ok(0), Ok(0)));
        assert_eq!(
            Page::new(Vec::new(), None).derived(|_| Err::<u8, _>("no")),
            Err("no")
        );
    }
}
