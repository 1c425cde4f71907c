//! The container image: its contents, names and record.
//!
//! It is assembled without a container engine, so that an unprivileged pipeline task can do it. `registry` pushes it;
//! the steps are in `commands/image.rs`.

pub(crate) mod assemble;
pub(crate) mod chart;
pub mod commit;
pub(crate) mod compile;
pub(crate) mod credentials;
pub(crate) mod layer;
pub mod record;
pub mod reference;
pub(crate) mod registry;
pub(crate) mod sbom;
pub(crate) mod signature;
pub(crate) mod stamp;

use sha2::{Digest as _, Sha256};

/// The digest of these bytes in registry format: `sha256:` and 64 hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
