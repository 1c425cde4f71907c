//! The container image: what is in it, how it is named, and what is recorded of it.
//!
//! It is assembled here, without a container engine, so that an unprivileged task of a pipeline can do it. How it
//! goes to a registry is in `registry`; when all this happens is in `commands/image.rs`.

pub(crate) mod assemble;
pub(crate) mod credentials;
pub(crate) mod layer;
pub mod record;
pub mod reference;
pub(crate) mod registry;
pub(crate) mod sbom;
pub(crate) mod signature;

use sha2::{Digest as _, Sha256};

/// The digest of these bytes, as registries write it: `sha256:` and 64 hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
