//! A user of the directory, and the part of one that a client may set.

use super::{EmailAddress, Label, PersonName, PhoneNumber, Timestamp};
use uuid::Uuid;

/// Names a user for good: a `UUIDv7` (RFC 9562), given by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub Uuid);

impl UserId {
    /// Reads the hyphenated form of a UUID, in either case; `None` for anything else.
    pub fn parse(raw: &str) -> Option<Self> {
        (raw.len() == uuid::fmt::Hyphenated::LENGTH)
            .then(|| Uuid::try_parse(raw).ok())?
            .map(Self)
    }
}

/// Names one state of a user. The entity tag is made of it.
///
/// The store draws a new one at random, of 48 bits or more, for every change: a number that counts would come again with
/// other content after a restore, or a failover that lost changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub i64);

impl Version {
    /// The version of a user that was just created. Its id was never given out before, so this needs no chance.
    pub const FIRST: Self = Self(1);
}

/// Whether a user may act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// The user may act; the default.
    #[default]
    Active,
    /// The user may not act for the time being.
    Suspended,
}

impl UserStatus {
    /// Every status, in the order of the contract.
    pub const ALL: [Self; 2] = [Self::Active, Self::Suspended];

    /// The word that stands for it everywhere: JSON, queries, SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the word back.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == raw)
    }
}

/// What a client sets of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The address; unique in the directory without regard to case.
    pub email: EmailAddress,
    /// The name of the person.
    pub name: PersonName,
    /// Where to call.
    pub phone: Option<PhoneNumber>,
    /// What the person is called in the organisation.
    pub title: Option<Label>,
    /// Where the person belongs in the organisation.
    pub department: Option<Label>,
    /// Whether the user may act.
    pub status: UserStatus,
}

/// A user as the directory keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name for good.
    pub id: UserId,
    /// Its present state.
    pub version: Version,
    /// What clients set.
    pub profile: Profile,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl User {
    /// A user that does not exist yet.
    pub fn new(id: UserId, profile: Profile, at: Timestamp) -> Self {
        Self {
            id,
            version: Version::FIRST,
            profile,
            created_at: at,
            updated_at: at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UserId;

    #[test]
    fn an_id_is_the_hyphenated_form_of_a_uuid_alone() {
        assert!(UserId::parse("01936f5e-8c3a-7000-8000-000000000001").is_some());
        assert!(UserId::parse("01936F5E-8C3A-7000-8000-000000000001").is_some());
        for bad in [
            "",
            "1",
            "01936f5e8c3a70008000000000000001",
            "{01936f5e-8c3a-7000-8000-00000000000}",
            "urn:uuid:01936f5e-8c3a-7000-8000-0000",
        ] {
            assert!(UserId::parse(bad).is_none(), "{bad}");
        }
    }
}
