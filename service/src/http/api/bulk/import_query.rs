//! What an import is asked to do, in the query of its URL.

use crate::domain::{AbsentUsers, ImportMode};
use crate::http::api::list_query::pairs;
use crate::http::problem::{Problem, ProblemKind};
use aws_lc_rs::digest::{SHA256, digest};

/// The parameters of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImportQuery {
    pub(super) mode: ImportMode,
    /// Whether every record is reported, and not the refused ones alone.
    pub(super) reports_all: bool,
    pub(super) is_dry_run: bool,
    pub(super) absent: AbsentUsers,
    /// How many users a synchronisation may remove.
    pub(super) max_deletes: Option<u64>,
}

const NAMES: &str = "mode, report, dry_run, absent, max_deletes";

impl ImportQuery {
    /// Reads the query of a URL.
    ///
    /// # Errors
    /// 400 for a parameter that is unknown, given twice or out of range, or does not go with the mode.
    pub(super) fn read(query: &str) -> Result<Self, Problem> {
        let (mut mode, mut report, mut dry_run) = (None, None, None);
        let (mut absent, mut max_deletes) = (None, None);
        for pair in pairs(query) {
            let (name, value) = pair?;
            let seen = match &*name {
                "mode" => once(
                    &mut mode,
                    parse_mode(&value),
                    "mode",
                    "create, upsert or sync",
                ),
                "report" => once(
                    &mut report,
                    parse_report(&value),
                    "report",
                    "refused or all",
                ),
                "dry_run" => {
                    let value = value.parse::<bool>().ok();
                    once(&mut dry_run, value, "dry_run", "true or false")
                }
                "absent" => {
                    let value = parse_absent(&value);
                    once(&mut absent, value, "absent", "delete or suspend")
                }
                "max_deletes" => {
                    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
                    let value = value.parse::<u64>().ok().filter(|_| is_plain);
                    once(&mut max_deletes, value, "max_deletes", "a whole number")
                }
                other => Err(invalid(
                    other,
                    &format!("is unknown; the parameters are {NAMES}"),
                )),
            };
            seen?;
        }
        let mode = mode.unwrap_or(ImportMode::Create);
        match (mode, max_deletes) {
            (ImportMode::Sync, None) => {
                let why = "is required with mode=sync: how many users may be removed";
                return Err(invalid("max_deletes", why));
            }
            (ImportMode::Create | ImportMode::Upsert, Some(_)) => {
                return Err(invalid("max_deletes", "goes with mode=sync alone"));
            }
            _ => {}
        }
        if absent.is_some() && mode != ImportMode::Sync {
            return Err(invalid("absent", "goes with mode=sync alone"));
        }
        Ok(Self {
            mode,
            reports_all: report.unwrap_or(false),
            is_dry_run: dry_run.unwrap_or(false),
            absent: absent.unwrap_or(AbsentUsers::Delete),
            max_deletes,
        })
    }

    /// Distinguishes imports under one key. How many users may be removed is left out: an import that would have removed
    /// more is repeated with another number.
    pub(super) fn fingerprint(&self, media_type: &str) -> [u8; 32] {
        let Self {
            mode,
            reports_all,
            is_dry_run,
            absent,
            max_deletes: _,
        } = self;
        let text =
            format!("import\n{mode:?}\n{reports_all}\n{is_dry_run}\n{absent:?}\n{media_type}");
        let digest = digest(&SHA256, text.as_bytes());
        digest.as_ref().try_into().unwrap_or([0; 32])
    }
}

fn invalid(name: &str, why: &str) -> Problem {
    ProblemKind::InvalidQuery.with_detail(format!("the parameter '{name}' {why}"))
}

fn once<T>(
    place: &mut Option<T>,
    value: Option<T>,
    name: &str,
    wanted: &str,
) -> Result<(), Problem> {
    let value = value.ok_or_else(|| invalid(name, &format!("must be {wanted}")))?;
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(invalid(name, "is given twice")),
    }
}

fn parse_mode(value: &str) -> Option<ImportMode> {
    Some(match value {
        "create" => ImportMode::Create,
        "upsert" => ImportMode::Upsert,
        "sync" => ImportMode::Sync,
        _ => return None,
    })
}

fn parse_report(value: &str) -> Option<bool> {
    match value {
        "refused" => Some(false),
        "all" => Some(true),
        _ => None,
    }
}

fn parse_absent(value: &str) -> Option<AbsentUsers> {
    Some(match value {
        "delete" => AbsentUsers::Delete,
        "suspend" => AbsentUsers::Suspend,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::ImportQuery;

    #[test]
    fn every_bad_parameter_is_named() {
        for (query, name) in [
            ("mode=replace", "mode"),
            ("mode=create&mode=create", "mode"),
            ("report=none", "report"),
            ("dry_run=1", "dry_run"),
            ("mode=sync", "max_deletes"),
            ("mode=sync&max_deletes=-1", "max_deletes"),
            ("mode=sync&max_deletes=+1", "max_deletes"),
            ("max_deletes=1", "max_deletes"),
            ("mode=upsert&absent=delete", "absent"),
            ("mode=sync&max_deletes=1&absent=keep", "absent"),
            ("format=csv", "format"),
        ] {
            let problem = ImportQuery::read(query).expect_err(query);
            assert!(
                problem.detail().contains(&format!("'{name}'")),
                "{query}: {problem:?}"
            );
        }
    }

    #[test]
    fn the_number_of_removals_alone_does_not_make_another_import() {
        let fingerprint = |query: &str| ImportQuery::read(query).unwrap().fingerprint("text/csv");
        let first = fingerprint("mode=sync&max_deletes=0");
        assert_eq!(first, fingerprint("max_deletes=9&mode=sync"));
        assert_ne!(first, fingerprint("mode=sync&max_deletes=0&absent=suspend"));
        assert_ne!(first, fingerprint("mode=upsert"));
    }
}
