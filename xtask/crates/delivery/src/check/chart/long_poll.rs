//! The time-outs of gateways and load balancers against the service's longest long poll: they must be longer, in the defaults and in
//! whatever the chart accepts. Must not know where a time-out is rendered.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::effects::render;
use xtask::failure::{Failure, Kind};

/// Where the service says how long `wait` may be.
const SOURCES: &str = "service/src/http";
const CONSTANT: &str = "const MAX_WAIT_SECONDS: u64 = ";
const VALUES: [&str; 2] = ["gateway", "ingress"];

/// Fails when a time-out that ends a long poll renders.
pub(super) fn check() -> Result<()> {
    let wait = longest_wait(Path::new(SOURCES))?
        .with_context(|| format!("no file of {SOURCES} has `{CONSTANT}…`"))?;
    let base = json!({"config": {"auth": "disabled"}});
    render(&base).context("the default time-outs are refused")?;
    for value in VALUES {
        let with = |seconds: u64| {
            let mut values = base.clone();
            values[value] = json!({"requestTimeout": format!("{seconds}s")});
            render(&values)
        };
        let why = match (with(wait), with(wait + 1)) {
            (Ok(_), _) => format!("{value}.requestTimeout of {wait} s renders"),
            (_, Err(error)) => format!("{value}.requestTimeout of {} s: {error:#}", wait + 1),
            (Err(_), Ok(_)) => continue,
        };
        let what = format!("a long poll of {wait} s and the chart's time-outs do not agree");
        let next = "correct the limit in helm-chart/templates/_validation.tpl";
        return Err(Failure::new(Kind::Check, what, why, next).into());
    }
    Ok(())
}

fn longest_wait(folder: &Path) -> Result<Option<u64>> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        let found = if path.is_dir() {
            longest_wait(&path)?
        } else {
            constant(&fs::read_to_string(&path)?)
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn constant(source: &str) -> Option<u64> {
    let (_, rest) = source.split_once(CONSTANT)?;
    rest.split_once(';')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::constant;

    #[test]
    fn the_limit_is_read_from_the_service() {
        assert_eq!(constant("a\nconst MAX_WAIT_SECONDS: u64 = 30;\n"), Some(30));
        assert_eq!(constant("const MAX_WAIT: u64 = 30;"), None);
    }
}
