//! What a user directory is: its values, their rules, and the operations on them.
//!
//! Raw input becomes one of these types at the door and is never checked again.
//! Nothing here knows of HTTP or SQL, owns a clock, or draws a random number.

pub mod bulk;
pub mod change;
pub mod client;
pub mod client_registry;
pub mod client_token;
pub mod directory;
pub mod domain_name;
pub mod email_address;
pub mod error;
pub mod fold;
pub mod idempotency;
pub mod page;
pub mod phone_number;
pub mod provisioning;
pub mod text;
pub mod timestamp;
pub mod user;
mod visibility;

pub use bulk::{
    AbsentUsers, BulkStore, Export, Import, ImportBatch, ImportClaim, ImportCounts, ImportMark,
    ImportMode, ImportOutcome, ImportProgress,
};
pub use change::{Actor, Change, ChangeId, ChangeKind, ChangePage, Condition, FeedPosition, Stamp};
pub use client::{ApiClient, ClientId, ClientStore, Scope, Scopes, SecretHash};
pub use client_registry::{ClientRegistry, Registration};
pub use client_token::{ClientToken, ClientTokenStore, TokenHash};
pub use directory::{Directory, UserStore};
pub use email_address::EmailAddress;
pub use error::{DirectoryError, Unavailable};
pub use idempotency::{Created, IdempotencyClaim, IdempotencyKey};
pub use page::{Cursor, Filters, Page, PageRequest, Search, Sort, SortField, SortPosition};
pub use phone_number::PhoneNumber;
pub use provisioning::{
    ExternalId, FoldedKey, Lookup, PageStart, ProviderAttributes, Provision, ProvisionedPage,
    ProvisionedUser, ProvisioningStore, ScimProfile,
};
pub use text::{Label, PersonName, TextError};
pub use timestamp::Timestamp;
pub use user::{Profile, User, UserId, UserStatus, Version};
