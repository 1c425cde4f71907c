//! Layers: which part of `service/src` may name which (the rules are in ARCHITECTURE.md); and that no files of any crate
//! import each other in a circle.
//!
//! The sources are parsed: `use` lines and every path in code, including macros, so that neither a comment nor a string
//! counts as a violation. Names are not resolved: a layer is identified by its path.

mod circles;
mod paths;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use circles::Imports;
use paths::NamedPath;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

const SERVICE: &str = "service/src";

const HTTP_CRATES: &[&str] = &[
    "hyper",
    "hyper_util",
    "http_body",
    "http_body_util",
    "routerify",
    "routerify_ng",
];
const DATABASE_CRATES: &[&str] = &[
    "deadpool",
    "deadpool_postgres",
    "postgres",
    "postgres_types",
    "refinery",
    "tokio_postgres",
    "tokio_postgres_rustls",
];
const CLOCKS_AND_CHANCE: &[&str] = &[
    "fastrand",
    "getrandom",
    "rand",
    "tokio::time",
    "Instant::now",
    "SystemTime::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
];

/// The layers, and the one that joins them.
const LAYERS: &[&str] = &["http", "domain", "store", "app"];

/// A rule: what a part of the service must not name, and why.
struct Rule {
    /// Whether the rule applies to a file, given its path below `service/src`.
    applies_to: fn(&str) -> bool,
    forbids: &'static [&'static [&'static str]],
    /// Whether it applies to test modules as well.
    in_tests: bool,
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        applies_to: |file| !in_layer(file, "http") && !in_layer(file, "app"),
        forbids: &[HTTP_CRATES],
        in_tests: true,
        why: "only http/ (and app, which joins the layers) names hyper or the router",
    },
    Rule {
        applies_to: |file| !in_layer(file, "store") && !in_layer(file, "app"),
        forbids: &[DATABASE_CRATES],
        in_tests: true,
        why: "only store/ (and app, which joins the layers) names the database's crates",
    },
    Rule {
        applies_to: |file| !LAYERS.iter().any(|layer| in_layer(file, layer)),
        forbids: &[&["crate::http", "crate::store"]],
        in_tests: true,
        why: "what is in no layer (settings, logs, metrics, commands) reaches them through app alone",
    },
    Rule {
        applies_to: |file| in_layer(file, "domain"),
        forbids: &[&[
            "crate::http",
            "crate::store",
            "crate::app",
            "crate::config",
            "http",
        ]],
        in_tests: true,
        why: "domain/ names neither http nor store: it is called and calls through its own traits",
    },
    Rule {
        applies_to: |file| in_layer(file, "domain"),
        forbids: &[CLOCKS_AND_CHANCE],
        in_tests: false,
        why: "the domain has no clock and no random source: time and ids are arguments",
    },
    Rule {
        applies_to: |file| in_layer(file, "http"),
        forbids: &[&["crate::store", "crate::app"]],
        in_tests: true,
        why: "http/ calls the domain and never bypasses it",
    },
    Rule {
        applies_to: |file| in_layer(file, "store"),
        forbids: &[&["crate::http", "crate::app", "http"]],
        in_tests: true,
        why: "store/ is called by the domain and knows nothing about http",
    },
];

pub(crate) fn run() -> Result<()> {
    let mut read = 0;
    let mut breaches = Vec::new();
    for root in roots()? {
        let mut files = Vec::new();
        collect(&root, &mut files)?;
        read += files.len();
        let mut imports = Imports::default();
        for path in &files {
            let source = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let file = path.strip_prefix(&root).unwrap_or(path).to_string_lossy();
            let (module, named) = named_in(&file, &source)
                .with_context(|| format!("cannot parse {}", path.display()))?;
            if root == Path::new(SERVICE) {
                breaches.extend(breaches_in(&file, &named));
            }
            imports.add(&module, &named);
        }
        let circles = imports.circles();
        breaches.extend(
            circles
                .iter()
                .map(|circle| format!("{}: import circle: {circle}", root.display())),
        );
    }
    if breaches.is_empty() {
        printing::eprintln!("{read} files read, no violation and no import circle");
        return Ok(());
    }
    let what = format!("{} layer violations or import circles", breaches.len());
    let next = "call through the layer between, or change the rule in both ARCHITECTURE.md and check/layers.rs";
    Err(Failure::new(Kind::Check, what, breaches.join("\n"), next).into())
}

/// The `src` folder of each crate of the workspace.
fn roots() -> Result<Vec<PathBuf>> {
    let listed = tool("git")
        .args(["ls-files", "--", "**/Cargo.toml"])
        .quiet()
        .output()?;
    let folders = listed
        .lines()
        .filter_map(|manifest| Some(Path::new(manifest).parent()?.join("src")));
    // The peers of the benchmark are programs of their own.
    Ok(folders
        .filter(|folder| folder.is_dir() && !folder.starts_with("service/bench/peers"))
        .collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(|| format!("cannot list {}", folder.display()))?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// A layer is `<layer>.rs` and all below `<layer>/`.
fn in_layer(file: &str, layer: &str) -> bool {
    file.strip_prefix(layer)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// A file's module, and every path that it names.
fn named_in(file: &str, source: &str) -> syn::Result<(Vec<String>, Vec<NamedPath>)> {
    let module = module_of(file);
    let named = paths::of_file(&syn::parse_file(source)?, &module);
    Ok((module, named))
}

/// One line for each name that a file must not use.
fn breaches_in(file: &str, named: &[NamedPath]) -> Vec<String> {
    let mut breaches: Vec<_> = RULES
        .iter()
        .filter(|rule| (rule.applies_to)(file))
        .flat_map(|rule| {
            named
                .iter()
                .filter(|path| is_forbidden(rule, path))
                .map(move |path| (path, rule.why))
        })
        .map(|(path, why)| format!("{SERVICE}/{file}:{}: `{}`: {why}", path.line, path.text()))
        .collect();
    breaches.sort();
    breaches.dedup();
    breaches
}

fn is_forbidden(rule: &Rule, path: &NamedPath) -> bool {
    if path.in_tests && !rule.in_tests {
        return false;
    }
    rule.forbids
        .iter()
        .flat_map(|group| group.iter())
        .any(|name| path.matches(name))
}

/// `http/users.rs` is the module `crate::http::users`.
fn module_of(file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".rs");
    let names = stem
        .split('/')
        .filter(|name| !matches!(*name, "lib" | "main" | "mod"));
    std::iter::once("crate")
        .chain(names)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{breaches_in, named_in};

    fn breaches(file: &str, source: &str) -> Vec<String> {
        let (_, named) = named_in(file, source).expect("is Rust");
        breaches_in(file, &named)
    }

    #[test]
    fn a_planted_import_is_found_with_its_line() {
        let found = breaches(
            "domain/user.rs",
            "use std::fmt;\nuse tokio_postgres::Row;\n",
        );
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("service/src/domain/user.rs:2: `tokio_postgres::Row`"),
            "{found:?}"
        );
    }

    #[test]
    fn groups_and_renames_do_not_hide_a_breach() {
        let source = "use crate::{domain::User, store::{pool as anything, users}};";
        assert_eq!(breaches("http/users.rs", source).len(), 2);
    }

    #[test]
    fn a_path_in_code_is_a_breach_without_any_import() {
        assert_eq!(
            breaches(
                "store/pool.rs",
                "fn f() { let b = hyper::body::Bytes::new(); }"
            )
            .len(),
            1
        );
        assert_eq!(
            breaches("http/users.rs", "fn f(row: tokio_postgres::Row) {}").len(),
            1
        );
    }

    #[test]
    fn a_relative_path_is_followed_to_the_layer() {
        assert_eq!(
            breaches("http/users.rs", "use super::super::store::pool;").len(),
            1
        );
        assert_eq!(
            breaches("domain/page.rs", "fn f() { super::super::http::routes() }").len(),
            1
        );
        assert!(breaches("http/users.rs", "use super::problem::Problem;").is_empty());
        assert_eq!(
            breaches(
                "http/users.rs",
                "mod tests { use super::super::super::store::x; }"
            )
            .len(),
            1
        );
    }

    #[test]
    fn a_path_inside_a_macro_is_found() {
        assert_eq!(
            breaches(
                "domain/user.rs",
                r#"fn f() { tracing::info!("{}", crate::http::NAME); }"#
            )
            .len(),
            1
        );
    }

    #[test]
    fn the_domain_owns_no_clock_and_no_random_source() {
        assert_eq!(
            breaches("domain/user.rs", "use tokio::time::Instant;").len(),
            1
        );
        let source =
            "fn f() { let id = uuid::Uuid::now_v7(); let at = std::time::SystemTime::now(); }";
        assert_eq!(breaches("domain/user.rs", source).len(), 2);
        let test = format!("#[cfg(test)] mod tests {{ {source} }}");
        assert!(
            breaches("domain/user.rs", &test).is_empty(),
            "a test may look at the clock"
        );
        assert!(breaches("store/users.rs", source).is_empty());
    }

    #[test]
    fn comments_and_strings_are_no_breach() {
        let source =
            "//! Not tokio_postgres::Row.\nfn f() -> &'static str { \"crate::store::users\" }";
        assert!(breaches("domain/user.rs", source).is_empty());
    }

    #[test]
    fn only_the_joiner_sees_all_layers() {
        let source =
            "use hyper::Request;\nuse deadpool_postgres::Pool;\nuse crate::{http, domain, store};";
        assert!(breaches("app.rs", source).is_empty());
        assert!(breaches("app/database.rs", source).is_empty());
        assert_eq!(breaches("config.rs", source).len(), 4);
        assert_eq!(breaches("check_emails.rs", source).len(), 4);
        assert_eq!(breaches("http.rs", source).len(), 2);
    }
}
