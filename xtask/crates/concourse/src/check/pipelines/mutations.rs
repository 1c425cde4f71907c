//! Every rule is seen to fail: one mistake at a time is planted into the repository's own files.

mod table;

use super::faults_of;
use super::files::Files;
use table::{MUTATIONS, VERIFY_RUN};

/// A mistake: the file, the text and its replacement, and what the fault must contain.
struct Mutation {
    slip: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    named: &'static str,
}

const fn mutation(
    slip: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    named: &'static str,
) -> Mutation {
    Mutation {
        slip,
        file,
        from,
        to,
        named,
    }
}

fn repository() -> Files {
    xtask::run_tool::enter_repository_root().expect("the repository's root");
    Files::read("concourse").expect("concourse/ can be read")
}

#[test]
fn the_repositorys_own_files_have_no_fault() {
    let faults = faults_of(&repository());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_slip_is_found_and_named() {
    let files = repository();
    let mut missed = Vec::new();
    for mutation in MUTATIONS {
        let mut changed = files.clone();
        let file = changed.0.get_mut(mutation.file).expect(mutation.file);
        assert!(
            file.text.contains(mutation.from),
            "{}: {:?} is not in {}",
            mutation.slip,
            mutation.from,
            mutation.file
        );
        file.text = file.text.replacen(mutation.from, mutation.to, 1);
        let faults: Vec<_> = faults_of(&changed)
            .iter()
            .map(ToString::to_string)
            .collect();
        match faults.iter().find(|fault| fault.contains(mutation.named)) {
            Some(fault) => printing::println!(
                "| {} | {} |",
                mutation.slip,
                fault.lines().next().unwrap_or_default()
            ),
            None => missed.push(format!(
                "{}: {faults:?} does not say {:?}",
                mutation.slip, mutation.named
            )),
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_script_that_cannot_be_run_is_found() {
    let mut files = repository();
    files.0.get_mut(VERIFY_RUN).expect(VERIFY_RUN).executable = false;
    let faults: Vec<_> = faults_of(&files).iter().map(ToString::to_string).collect();
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("is not executable")),
        "{faults:?}"
    );
}
