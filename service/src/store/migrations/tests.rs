use super::apply::{OUTSIDE, is_outside};
use super::history::{Applied, due};
use super::{SchemaError, WANTED_VERSION, embedded_files};
use refinery::Migration;

fn files(names: &[&str]) -> Vec<Migration> {
    let file = |name: &&str| Migration::unapplied(name, "SELECT 1").unwrap();
    names.iter().map(file).collect()
}

fn applied(names: &[&str]) -> Vec<Applied> {
    let past = |file: &Migration| Applied {
        version: file.version(),
        name: file.name().to_owned(),
        checksum: file.checksum().to_string(),
    };
    files(names).iter().map(past).collect()
}

#[test]
fn the_version_that_is_wanted_is_that_of_the_newest_migration_and_none_is_left_out() {
    let mut versions: Vec<i32> = embedded_files().iter().map(Migration::version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=WANTED_VERSION).collect::<Vec<_>>());
}

#[test]
fn a_migration_that_was_merged_late_is_an_error_and_a_newer_schema_is_none() {
    let known = files(&["V1__a", "V2__b", "V3__c"]);
    let names = |past: &[&str]| {
        due(&known, &applied(past))
            .map(|due| due.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(names(&[]).unwrap(), ["V1__a", "V2__b", "V3__c"]);
    assert_eq!(names(&["V1__a"]).unwrap(), ["V2__b", "V3__c"]);
    assert!(
        names(&["V1__a", "V2__b", "V3__c", "V5__later"])
            .unwrap()
            .is_empty()
    );
    for past in [&["V1__a", "V3__c"][..], &["V1__a", "V2__b", "V4__later"]] {
        let error = names(past).unwrap_err();
        assert!(
            matches!(error, SchemaError::Skipped { .. }),
            "{past:?}: {error}"
        );
    }
    let renamed = names(&["V1__a", "V2__other"]).unwrap_err();
    assert!(matches!(renamed, SchemaError::Edited { .. }), "{renamed}");
    let missing = due(&files(&["V1__a", "V3__c"]), &applied(&["V1__a", "V2__b"])).unwrap_err();
    assert!(matches!(missing, SchemaError::Unknown { .. }), "{missing}");
}

/// The rules of `service/migrations/README.md` that can be read off the files.
#[test]
fn files_outside_of_a_transaction_hold_one_statement_that_can_be_repeated() {
    for file in embedded_files() {
        let sql = file.sql().unwrap_or("");
        let validates = sql.contains("VALIDATE CONSTRAINT");
        assert_eq!(
            is_outside(&file),
            validates || sql.contains("CONCURRENTLY"),
            "{file}: the first line of a file with CONCURRENTLY or VALIDATE CONSTRAINT is {OUTSIDE:?}, and of no other"
        );
        if is_outside(&file) {
            // What is valid already is not read again.
            assert!(
                validates || sql.contains("IF NOT EXISTS") || sql.contains("IF EXISTS"),
                "{file}"
            );
            assert_eq!(sql.trim_end().matches(';').count(), 1, "{file}");
        }
    }
}
