//! The upper bounds of the service's histograms, read from its source: a threshold between two of them counts nothing.
//! Must not know the promises.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ItemConst, Lit};

const METRICS: &str = "service/src/metrics";

/// The bounds of each histogram by its name, in the unit of the histogram, without the implied `+Inf`.
pub(super) fn of_service() -> Result<BTreeMap<String, Vec<f64>>> {
    let mut sources = Vec::new();
    for path in files()? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        sources.push(text);
    }
    of_sources(&sources)
}

fn files() -> Result<Vec<PathBuf>> {
    let folder = Path::new(METRICS);
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = vec![folder.with_extension("rs")];
    files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    Ok(files)
}

fn of_sources(sources: &[String]) -> Result<BTreeMap<String, Vec<f64>>> {
    let mut found = Found::default();
    for source in sources {
        let file = syn::parse_file(source)
            .with_context(|| format!("{METRICS} has a file that is not Rust"))?;
        found.visit_file(&file);
    }
    let bounds = found.calls.into_iter().filter_map(|(metric, constant)| {
        let bounds = found.constants.get(&constant)?.clone();
        Some((metric, bounds))
    });
    Ok(bounds.collect())
}

/// Constants that are lists of numbers, and calls that name a metric together with one of them.
#[derive(Default)]
struct Found {
    constants: BTreeMap<String, Vec<f64>>,
    calls: Vec<(String, String)>,
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        if let Some(bounds) = numbers(&item.expr) {
            self.constants.insert(item.ident.to_string(), bounds);
        }
        visit::visit_item_const(self, item);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let metric = call.args.iter().find_map(|argument| match argument {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(name) => Some(name.value()),
                _ => None,
            },
            _ => None,
        });
        if let (Some(metric), Some(Expr::Path(last))) = (metric, call.args.last())
            && let Some(constant) = last.path.get_ident()
        {
            self.calls.push((metric, constant.to_string()));
        }
        visit::visit_expr_call(self, call);
    }
}

fn numbers(expression: &Expr) -> Option<Vec<f64>> {
    let Expr::Reference(reference) = expression else {
        return None;
    };
    let Expr::Array(array) = &*reference.expr else {
        return None;
    };
    let number = |element: &Expr| match element {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Float(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    };
    array.elems.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::of_sources;

    #[test]
    fn a_histogram_has_the_bounds_of_the_constant_that_it_is_made_with() {
        let source = r#"
            const SECONDS: &[f64] = &[0.000_5, 0.1, 1.0];
            const BYTES: &[f64] = &[64.0];
            fn all(r: &R) -> Result<()> {
                let a = histograms(r, "a_seconds", "Help.", &["route"], SECONDS)?;
                let b = histogram(r, "b_bytes", "Help.", BYTES)?;
                let c = counter(r, "c_total", "Help.")?;
            }"#;
        let bounds = of_sources(&[source.to_owned()]).unwrap();
        assert_eq!(bounds["a_seconds"], [0.0005, 0.1, 1.0]);
        assert_eq!(bounds["b_bytes"], [64.0]);
        assert_eq!(bounds.len(), 2);
    }
}
