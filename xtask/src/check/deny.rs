//! Dependencies: licences, advisories, sources and duplicates are as `deny.toml` allows.
//!
//! Advisories come from a database on the network. Without it they are "not proven"; the rest is still checked.

use anyhow::Result;

use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

const COMMAND: [&str; 5] = [
    "deny",
    "--all-features",
    "--locked",
    "check",
    "--hide-inclusion-graph",
];
/// cargo-deny's message if the database is unavailable.
const NO_DATABASE: &str = "failed to fetch advisory database";

pub(crate) fn run() -> Result<()> {
    if !tools::is_installed("cargo-deny") {
        return Err(tools::missing("cargo-deny"));
    }
    tool("cargo")
        .args(COMMAND)
        .args(["bans", "licenses", "sources"])
        .run()?;
    let advisories = tool("cargo").args(COMMAND).arg("advisories").output();
    advisories
        .map(drop)
        .map_err(|error| not_fetched(&error).map_or(error, Into::into))
}

fn not_fetched(error: &anyhow::Error) -> Option<Failure> {
    let failure = error.downcast_ref::<Failure>()?;
    let missing = || {
        let why = "their database at github.com/RustSec/advisory-db cannot be fetched from here";
        Failure::new(
            Kind::Missing,
            "advisories are not proven",
            why,
            "run it again with a network that reaches it",
        )
    };
    failure.why.contains(NO_DATABASE).then(missing)
}

#[cfg(test)]
mod tests {
    use super::not_fetched;
    use xtask::failure::{Failure, Kind};

    fn said(words: &str) -> anyhow::Error {
        Failure::new(Kind::Check, "cargo failed", words, "").into()
    }

    #[test]
    fn a_database_that_cannot_be_fetched_is_not_proven() {
        let failure = not_fetched(&said("[ERROR] failed to fetch advisory database https://…"));
        assert_eq!(failure.map(|failure| failure.kind), Some(Kind::Missing));
    }

    #[test]
    fn an_advisory_is_a_failure() {
        assert!(not_fetched(&said("error[vulnerability]: a hole\nadvisories FAILED")).is_none());
    }
}
