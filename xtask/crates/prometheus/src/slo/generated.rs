//! Every generated file with its expected text. One list for `generate rules` and `check rules`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use xtask::generated::{Generated, between};

use super::{Promises, burn_rate_rules, dashboards};
use crate::rule_files::FOLDER;

const TABLE_BEGINS: &str = "<!-- made from slos.toml: begin -->\n";
const TABLE_ENDS: &str = "<!-- made from slos.toml: end -->";

/// Every generated file below `prometheus/`, including hand-written rules and tests, whose link bases are generated.
pub(crate) fn all() -> Result<Vec<Generated>> {
    let folder = Path::new(FOLDER);
    let mut all = files(folder, &super::read(folder)?)?;
    let obsolete = obsolete(folder, &all)?;
    all.extend(obsolete.into_iter().map(Generated::obsolete));
    Ok(all)
}

fn files(folder: &Path, promises: &Promises) -> Result<Vec<Generated>> {
    let mut files = Vec::new();
    let mut made = |path: PathBuf, text: String| files.push(Generated::new(path, text));
    for slo in &promises.slos {
        made(
            folder.join(format!("rules/slo-{}.yaml", slo.name)),
            burn_rate_rules::rule_file(promises, slo),
        );
    }
    for dashboard in dashboards::all(promises) {
        let text = serde_json::to_string_pretty(&dashboard.json).context("cannot write JSON")?;
        made(
            folder.join(format!("dashboards/{}.json", dashboard.uid)),
            text + "\n",
        );
    }
    let readme = folder.join("README.md");
    let text = read(&readme)?;
    made(readme, with_table(&text, &table(promises))?);
    for kind in ["rules", "tests"] {
        for path in yaml_files(&folder.join(kind))? {
            let is_whole = files.iter().any(|file| file.path == path);
            if !is_whole {
                let text = with_links(&read(&path)?, promises);
                files.push(Generated::new(path, text));
            }
        }
    }
    Ok(files)
}

/// The generated files on disk that no objective needs any more.
fn obsolete(folder: &Path, files: &[Generated]) -> Result<Vec<PathBuf>> {
    let mut on_disk = yaml_files(&folder.join("rules"))?;
    on_disk.retain(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("slo-"))
    });
    let dashboards =
        fs::read_dir(folder.join("dashboards")).context("cannot list prometheus/dashboards")?;
    on_disk.extend(dashboards.filter_map(|entry| Some(entry.ok()?.path())));
    on_disk.retain(|path| !files.iter().any(|file| file.path == *path));
    Ok(on_disk)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    paths.sort();
    Ok(paths)
}

/// Links keep their last part (the dashboard, the runbook) and get the configured base.
fn with_links(text: &str, promises: &Promises) -> String {
    let mut linked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let based = [
            ("dashboard_url: ", &promises.links.dashboards),
            ("runbook_url: ", &promises.links.runbooks),
        ]
        .into_iter()
        .find_map(|(key, base)| {
            let (before, link) = line.split_once(key)?;
            let last = link.trim_end().rsplit('/').next()?;
            before
                .trim()
                .is_empty()
                .then(|| format!("{before}{key}{base}/{last}\n"))
        });
        linked.push_str(based.as_deref().unwrap_or(line));
    }
    linked
}

fn table(promises: &Promises) -> String {
    let mut table = String::from(
        "| promise | objective | budget in 30 days | low-traffic floor |\n| --- | --- | --- | --- |\n",
    );
    for slo in &promises.slos {
        let minutes = slo.budget() * f64::from(promises.service.period_days) * 24.0 * 60.0;
        let floor = slo.min_errors.map_or_else(
            || "none".to_owned(),
            |floor| format!("{floor} bad {} in the long window", slo.event),
        );
        let _ = writeln!(
            table,
            "| {} | {} % {} | {:.0} minutes' worth of {} | {floor} |",
            slo.name, slo.objective_percent, slo.promise, minutes, slo.event
        );
    }
    table.push_str("\n| burns for | and still in | at | spends of the budget | fires after | severity |\n| --- | --- | --- | --- | --- | --- |\n");
    for window in &promises.windows {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a window has far fewer than 2^52 seconds"
        )]
        let share = window.burn_rate * window.long.seconds() as f64
            / (f64::from(promises.service.period_days) * 86_400.0);
        let _ = writeln!(
            table,
            "| {} | {} | {} times | {:.0} % | {} | {} |",
            window.long,
            window.short,
            window.burn_rate,
            share * 100.0,
            window.hold,
            window.severity
        );
    }
    table
}

fn with_table(readme: &str, table: &str) -> Result<String> {
    between(readme, TABLE_BEGINS, TABLE_ENDS, table)
        .context("prometheus/README.md lacks the lines that enclose the table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_get_the_base_that_the_promises_name() {
        let mut promises =
            super::super::parse(include_str!("../../../../../prometheus/slos.toml")).unwrap();
        promises.links.runbooks = "https://wiki/runbooks".to_owned();
        let text = "summary: a\n  runbook_url: https://old/RosterX.md\n# runbook_url: see https://old/a b\n";
        let linked = with_links(text, &promises);
        assert!(
            linked.contains("  runbook_url: https://wiki/runbooks/RosterX.md\n"),
            "{linked}"
        );
        assert!(linked.contains("see https://old/a b"), "{linked}");
    }

    #[test]
    fn only_the_table_of_the_readme_is_replaced() {
        let readme = format!("a\n{TABLE_BEGINS}old\n{TABLE_ENDS}\nb\n");
        assert_eq!(
            with_table(&readme, "new\n").unwrap(),
            format!("a\n{TABLE_BEGINS}new\n{TABLE_ENDS}\nb\n")
        );
        assert!(with_table("a\n", "new\n").is_err());
    }
}
