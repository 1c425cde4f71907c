//! The functions that fuzzing calls (`cargo xtask fuzz`): each takes bytes as a client could send them, and panics when
//! what it makes of them breaks a rule.
//!
//! Compiled for tests and for `--cfg fuzzing` only. `service/fuzz/corpus/<target>` has the inputs that were found to reach
//! new code; the tests below run all of them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a fuzz target reports a defect"
)]

mod bulk;
mod one_user;
mod requests;
mod scim_request;

type Target = (&'static str, fn(&[u8]));

/// The targets: the name of each, and its function.
const TARGETS: [Target; 9] = [
    ("cursor", super::api::fuzzing::cursor),
    ("head", requests::head),
    ("patch", super::api::fuzzing::patch),
    ("query", super::api::fuzzing::query),
    ("records", super::api::fuzzing::records),
    ("scim-filter", super::scim::protocol::fuzzing::filter),
    ("scim-patch", super::scim::protocol::fuzzing::patch),
    ("scim-request", scim_request::scim_request),
    ("token", super::auth::fuzzing::token),
];

/// Runs the target with this name.
///
/// # Panics
/// When there is none, and when the input shows a defect.
pub fn run(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, function) = found.unwrap_or_else(|| panic!("no fuzz target is called {target}"));
    function(data);
}

#[cfg(test)]
mod tests {
    use super::{TARGETS, run};
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_input_of_the_fuzz_corpus_is_handled() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let folders: BTreeSet<String> = std::fs::read_dir(&corpus)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let targets: BTreeSet<String> = TARGETS.map(|(name, _)| name.to_owned()).into();
        assert_eq!(folders, targets, "each target has a corpus");
        for target in targets {
            let mut inputs = 0;
            for entry in std::fs::read_dir(corpus.join(&target)).unwrap() {
                let path = entry.unwrap().path();
                let data = std::fs::read(&path).unwrap();
                // The name of the input, in the output of a test that fails.
                eprintln!("{}", path.display());
                run(&target, &data);
                inputs += 1;
            }
            assert!(inputs > 0, "the corpus of {target} is empty");
        }
    }
}
