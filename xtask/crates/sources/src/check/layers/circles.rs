//! Import circles: files of a crate that import each other, directly or by way of others.
//!
//! A name that a module re-exports counts as an import of the file it comes from, so that a module may offer what its
//! parts define. A part may use what the modules around it define: it is below them, and sees even what is private there.
//! Tests are left out: they import what they test.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::NamedPath;

/// Files by module (`crate::http::api`), with what each names.
#[derive(Default)]
pub(super) struct Imports {
    files: BTreeMap<String, Vec<String>>,
    /// What a module's `use` lines bring into it, by module and name.
    brought: BTreeMap<(String, String), String>,
}

impl Imports {
    /// Adds a file that is the module `module` and names `paths`.
    pub(super) fn add(&mut self, module: &[String], paths: &[NamedPath]) {
        let module = module.join("::");
        let named = paths.iter().filter(|path| !path.in_tests);
        for path in named.clone().filter(|path| path.is_import) {
            let text = path.text();
            if let Some((_, name)) = text.rsplit_once("::") {
                self.brought
                    .insert((module.clone(), name.to_owned()), text.clone());
            }
        }
        self.files
            .insert(module, named.map(NamedPath::text).collect());
    }

    /// One line for each circle: its files in the order in which they import each other.
    pub(super) fn circles(&self) -> Vec<String> {
        let edges: BTreeMap<&str, BTreeSet<&str>> = self
            .files
            .iter()
            .map(|(module, paths)| {
                let targets = paths
                    .iter()
                    .filter_map(|path| self.file_of(module, path, 0));
                let targets = targets.filter(|target| !is_around(target, module));
                (module.as_str(), targets.collect())
            })
            .collect();
        let mut found = BTreeSet::new();
        let mut lines = Vec::new();
        for start in edges.keys() {
            if found.contains(start) {
                continue;
            }
            if let Some(circle) = shortest_way(&edges, start) {
                found.extend(circle.iter().copied());
                lines.push(format!("{} → {start}", circle.join(" → ")));
            }
        }
        lines
    }

    /// The file that defines what `path` names, seen from `module`; `None` for another crate.
    fn file_of(&self, module: &str, path: &str, depth: usize) -> Option<&str> {
        let absolute = if path == "crate" || path.starts_with("crate::") {
            path.to_owned()
        } else {
            let below = format!("{module}::{path}");
            // Any other relative path is of a crate, or of a name that a `use` line brings, which counts by itself.
            self.longest_file(&below)
                .filter(|(file, _)| *file != module)?;
            below
        };
        let (file, rest) = self.longest_file(&absolute)?;
        let name = rest.split("::").next().unwrap_or_default();
        match self.brought.get(&(file.to_owned(), name.to_owned())) {
            Some(from) if depth < 8 => self.file_of(file, from, depth + 1).or(Some(file)),
            _ => Some(file),
        }
    }

    /// The file whose module is the longest beginning of `path`, and what is left of it.
    fn longest_file<'a, 'p>(&'a self, path: &'p str) -> Option<(&'a str, &'p str)> {
        let mut end = path.len();
        loop {
            if let Some((file, _)) = self.files.get_key_value(&path[..end]) {
                return Some((file, path[end..].trim_start_matches("::")));
            }
            end = path[..end].rfind("::")?;
        }
    }
}

/// Whether `module` is `outer` or a part of it.
fn is_around(outer: &str, module: &str) -> bool {
    let below = module.strip_prefix(outer);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The shortest way from `start` back to it.
fn shortest_way<'a>(
    edges: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    start: &'a str,
) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way
                .last()
                .and_then(|last| edges.get(last))
                .into_iter()
                .flatten()
            {
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push([way.as_slice(), &[next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{module_of, paths};
    use super::Imports;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let mut imports = Imports::default();
        for (file, source) in files {
            let module = module_of(file);
            let syntax = syn::parse_file(source).expect("is Rust");
            imports.add(&module, &paths::of_file(&syntax, &module));
        }
        imports.circles()
    }

    #[test]
    fn files_that_import_each_other_are_a_circle_however_many_they_are() {
        let two = [
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f() { crate::a::g() }"),
        ];
        assert_eq!(circles(&two), ["crate::a → crate::b → crate::a"]);
        let three = [
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use super::c;"),
            ("c.rs", "use super::a::A;"),
        ];
        assert_eq!(circles(&three).len(), 1);
        assert!(circles(&three[..2]).is_empty());
    }

    #[test]
    fn a_part_may_use_what_its_module_defines_and_its_module_the_part() {
        let files = [
            ("a.rs", "mod part; use part::P; pub struct A;"),
            ("a/part.rs", "use super::A;"),
        ];
        assert!(circles(&files).is_empty());
    }

    #[test]
    fn a_part_that_imports_a_user_of_its_module_is_in_a_circle() {
        let files = [
            ("a.rs", "mod part; use part::P;"),
            ("a/part.rs", "use crate::b::B;"),
            ("b.rs", "use crate::a::A;"),
        ];
        assert_eq!(circles(&files).len(), 1);
    }

    #[test]
    fn a_name_that_a_module_offers_counts_as_its_file() {
        let files = [
            (
                "a.rs",
                "mod one; mod two; pub use one::One; pub use two::Two;",
            ),
            ("a/one.rs", "pub struct One;"),
            ("a/two.rs", "use super::One;"),
        ];
        assert!(circles(&files).is_empty(), "{:?}", circles(&files));
    }

    #[test]
    fn tests_are_left_out() {
        let files = [
            (
                "a.rs",
                "use crate::b::B; #[cfg(test)] mod tests { use super::*; }",
            ),
            ("b.rs", "#[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert!(circles(&files).is_empty());
    }
}
