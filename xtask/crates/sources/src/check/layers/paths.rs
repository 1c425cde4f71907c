//! Every path that a Rust file names, resolved to an absolute path from the file's module.
//!
//! It handles only syntax: neither the layer rules nor the meaning of a name.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// One path in a file.
#[derive(Debug)]
pub(super) struct NamedPath {
    segments: Vec<String>,
    /// Its line, from 1.
    pub(super) line: usize,
    /// Whether it is in a test module.
    pub(super) in_tests: bool,
    /// Whether a `use` line names it, by its last part.
    pub(super) is_import: bool,
}

impl NamedPath {
    /// The path as text.
    pub(super) fn text(&self) -> String {
        self.segments.join("::")
    }

    /// Whether the path is `name` or below it; a name of two parts that starts with a type (`Uuid::now_v7`) matches
    /// anywhere in the path.
    pub(super) fn matches(&self, name: &str) -> bool {
        let wanted: Vec<_> = name.split("::").collect();
        if self.segments.len() >= wanted.len()
            && self.segments.iter().zip(&wanted).all(|(a, b)| a == b)
        {
            return true;
        }
        name.starts_with(char::is_uppercase)
            && self
                .segments
                .windows(wanted.len())
                .any(|part| part.iter().zip(&wanted).all(|(a, b)| a == b))
    }
}

/// All paths of a file that is the module `module` (`["crate", "http", "users"]`).
pub(super) fn of_file(file: &syn::File, module: &[String]) -> Vec<NamedPath> {
    let mut collector = Collector {
        module: module.to_vec(),
        in_tests: false,
        found: Vec::new(),
    };
    collector.visit_file(file);
    collector.found
}

struct Collector {
    module: Vec<String>,
    in_tests: bool,
    found: Vec<NamedPath>,
}

impl Collector {
    fn add(&mut self, segments: Vec<String>, line: usize) {
        let segments = self.absolute(segments);
        self.found.push(NamedPath {
            segments,
            line,
            in_tests: self.in_tests,
            is_import: false,
        });
    }

    fn add_import(&mut self, segments: Vec<String>, line: usize) {
        self.add(segments, line);
        if let Some(added) = self.found.last_mut() {
            added.is_import = true;
        }
    }

    /// Resolves a leading `self` or any number of `super`.
    fn absolute(&self, segments: Vec<String>) -> Vec<String> {
        let supers = segments.iter().take_while(|name| *name == "super").count();
        if supers > 0 {
            let kept = self.module.len().saturating_sub(supers).max(1);
            return self.module[..kept]
                .iter()
                .cloned()
                .chain(segments.into_iter().skip(supers))
                .collect();
        }
        match segments.first().map(String::as_str) {
            Some("self") => self
                .module
                .iter()
                .cloned()
                .chain(segments.into_iter().skip(1))
                .collect(),
            _ => segments,
        }
    }

    fn add_use(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| {
            prefix
                .iter()
                .cloned()
                .chain([name.to_string()])
                .collect::<Vec<_>>()
        };
        match tree {
            syn::UseTree::Path(path) => self.add_use(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.add_import(prefix.to_vec(), line_of(&name.ident));
            }
            syn::UseTree::Name(name) => self.add_import(with(&name.ident), line_of(&name.ident)),
            syn::UseTree::Rename(name) => self.add(with(&name.ident), line_of(&name.ident)),
            syn::UseTree::Glob(glob) => {
                self.add(prefix.to_vec(), glob.star_token.spans[0].start().line);
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.add_use(prefix, item);
                }
            }
        }
    }

    /// Paths in a macro's tokens: names joined by `::`.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                }
                TokenTree::Ident(name) => {
                    self.flush(&mut path, line);
                    line = line_of(&name);
                    path.push(name.to_string());
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.flush(&mut path, line);
                    self.add_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.flush(&mut path, line),
            }
            colons = 0;
        }
        self.flush(&mut path, line);
    }

    fn flush(&mut self, path: &mut Vec<String>, line: usize) {
        // A single name in a macro is a variable or a keyword of the macro.
        if path.len() > 1 {
            self.add(std::mem::take(path), line);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let outside = self.in_tests;
        self.in_tests |= item.attrs.iter().any(is_cfg_test);
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
        self.in_tests = outside;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A single name cannot reach another layer without a `use` line, which is checked separately.
        if path.segments.len() > 1 {
            let segments = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            let line = path
                .segments
                .first()
                .map_or(0, |first| line_of(&first.ident));
            self.add(segments, line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.visit_path(&item.path);
        self.add_tokens(item.tokens.clone());
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|condition| condition == "test")
}

fn line_of(name: &proc_macro2::Ident) -> usize {
    name.span().start().line
}
