//! What is running: the version, and the commit, which `cargo xtask image build` writes into the linked binary, so that no
//! commit is compiled for its name alone (docs/adr/0073).

use crate::metrics::BuildInfo;
use std::hint::black_box;
use std::sync::LazyLock;

/// The release, as in the workspace manifest.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the commit is looked for by; `xtask/crates/delivery/src/image/stamp.rs` has the same.
const MARK: &[u8] = b"roster-revision=";
/// The digits are replaced by those of the commit.
static STAMP: [u8; 56] = *b"roster-revision=0000000000000000000000000000000000000000";

/// `0.1.0 (commit)`, for `--version`.
pub static LONG_VERSION: LazyLock<String> = LazyLock::new(|| format!("{VERSION} ({})", revision()));

/// What the metrics name.
pub fn info() -> BuildInfo {
    BuildInfo {
        version: VERSION,
        revision: revision(),
    }
}

/// The commit that the image was built from, or `unknown`.
pub fn revision() -> &'static str {
    // Otherwise the compiler would put the zeros in place of the read.
    revision_in(black_box(&STAMP))
}

fn revision_in(stamp: &[u8]) -> &str {
    let digits = stamp.strip_prefix(MARK).unwrap_or_default();
    match std::str::from_utf8(digits) {
        Ok(commit) if commit.bytes().any(|digit| digit != b'0') => commit,
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::{STAMP, revision_in};

    #[test]
    fn the_commit_is_unknown_until_it_is_written_into_the_binary() {
        assert_eq!(revision_in(&STAMP), "unknown");
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let stamped = format!("roster-revision={commit}");
        assert_eq!(stamped.len(), STAMP.len());
        assert_eq!(revision_in(stamped.as_bytes()), commit);
    }
}
