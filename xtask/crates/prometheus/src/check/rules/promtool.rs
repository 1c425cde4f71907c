//! promtool's own checks: syntax of rules and scrape configuration, and the rules' tests, by every promtool at hand.
//! Prometheus 2 and 3 differ: ranges of 3 are open on the left, and `le` of whole numbers is `1.0`.
//! Must not know what the rules mean.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::rule_files::YamlFile;
use xtask::failure::Failure;
use xtask::run_tool::{Run, tool};
use xtask::tools;

/// One promtool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Promtool {
    path: PathBuf,
    /// Such as `3.16.0`.
    pub(crate) version: String,
}

impl Promtool {
    /// A command of it.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.path)
    }

    fn tool(&self) -> Run {
        tool(self.path.display().to_string())
    }
}

/// Every promtool at hand, each version once: the pinned one first, then those on the PATH. At least one.
pub(crate) fn at_hand() -> Result<Vec<Promtool>> {
    let mut found: Vec<Promtool> = Vec::new();
    for path in tools::all("promtool") {
        let outcome = Command::new(&path)
            .arg("--version")
            .output()
            .with_context(|| format!("cannot run {}", path.display()))?;
        let said = [outcome.stdout, outcome.stderr].concat();
        let version = version(&String::from_utf8_lossy(&said))
            .with_context(|| format!("{} --version does not name a version", path.display()))?;
        if !found.iter().any(|other| other.version == version) {
            found.push(Promtool { path, version });
        }
    }
    if found.is_empty() {
        return Err(tools::missing("promtool"));
    }
    let is_2 = |promtool: &Promtool| promtool.version.trim_start_matches('v').starts_with("2.");
    let absent = match (found.iter().any(is_2), found.iter().all(is_2)) {
        (_, true) => "of Prometheus 3: cargo xtask tools install promtool",
        (false, _) => "of Prometheus 2: such as Debian's package `prometheus`",
        _ => "",
    };
    if !absent.is_empty() {
        printing::eprintln!("NOT PROVEN with a promtool {absent}");
    }
    Ok(found)
}

/// `promtool, version 2.42.0+ds (branch: …`.
fn version(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("version ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// Syntax of every rule file and of the scrape configuration.
pub(crate) fn check(promtool: &Promtool, rules: &[YamlFile]) -> Result<()> {
    promtool
        .tool()
        .args(["check", "rules"])
        .args(rules.iter().map(|file| &file.path))
        .output()?;
    check_scrape(promtool, Path::new(SCRAPE)).or_else(|error| {
        if !is_without_kubernetes(&error) {
            return Err(error);
        }
        check_scrape_without_kubernetes(promtool)?;
        printing::eprintln!(
            "NOT PROVEN: this promtool was built without kubernetes_sd_configs, so that part of \
                {SCRAPE} was not checked; the rest is valid. Install one that checks it: cargo xtask \
                tools install promtool"
        );
        Ok(())
    })
}

const SCRAPE: &str = "prometheus/scrape/prometheus.yaml";

fn check_scrape(promtool: &Promtool, path: &Path) -> Result<()> {
    promtool
        .tool()
        .args(["check", "config", "--syntax-only"])
        .arg(path)
        .output()
        .map(drop)
}

/// Debian's promtool is built without that service discovery; its absence is not a fault.
fn is_without_kubernetes(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Failure>()
        .is_some_and(|failure| failure.why.contains("kubernetes_sd_configs not found"))
}

/// The same configuration with static targets instead of the service discovery: relabelling, rules and alerting are
/// checked.
fn check_scrape_without_kubernetes(promtool: &Promtool) -> Result<()> {
    let mut content = YamlFile::read(Path::new(SCRAPE))?.content;
    for job in content["scrape_configs"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        if let Some(job) = job.as_object_mut()
            && job.remove("kubernetes_sd_configs").is_some()
        {
            job.insert(
                "static_configs".to_owned(),
                json!([{"targets": ["127.0.0.1:1"]}]),
            );
        }
    }
    let file = tempfile::Builder::new()
        .suffix(".yaml")
        .tempfile()
        .context("cannot make a temporary file")?;
    fs::write(file.path(), content.to_string()).context("cannot write a temporary file")?;
    check_scrape(promtool, file.path())
}

/// Tests of rules in several groups must fix the evaluation order: promtool picks a different one each time.
pub(crate) fn unordered(rules: &[YamlFile], tests: &[YamlFile]) -> Vec<String> {
    let strings = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|item| Some(item.as_str()?.to_owned()))
            .collect()
    };
    let mut faults = Vec::new();
    for test in tests {
        let paths = strings(&test.content["rule_files"]);
        let groups: Vec<&str> = rules
            .iter()
            .filter(|file| {
                paths
                    .iter()
                    .any(|path| Path::new(path).file_name() == file.path.file_name())
            })
            .flat_map(|file| file.content["groups"].as_array().into_iter().flatten())
            .filter_map(|group| group["name"].as_str())
            .collect();
        if groups.len() > 1 && strings(&test.content["group_eval_order"]) != groups {
            faults.push(format!(
                "{}: lacks `group_eval_order: [{}]`; without it, promtool's order of the groups varies",
                test.path.display(),
                groups.join(", ")
            ));
        }
    }
    faults
}

/// Every test file, on every core at once.
pub(crate) fn test(promtool: &Promtool, tests: &[YamlFile]) -> Result<()> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut paths: Vec<(u64, &Path)> = tests
        .iter()
        .map(|file| {
            (
                fs::metadata(&file.path).map_or(0, |data| data.len()),
                file.path.as_path(),
            )
        })
        .collect();
    // Tests that cover days come first; short ones fill the end.
    paths.sort_by_key(|(bytes, path)| (!path.to_string_lossy().contains("days"), u64::MAX - bytes));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            while let Some((_, path)) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                promtool.tool().args(["test", "rules"]).arg(path).output()?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{YamlFile, unordered, version};

    fn file(path: &str, content: Value) -> YamlFile {
        YamlFile {
            path: path.into(),
            content,
        }
    }

    #[test]
    fn the_version_is_what_promtool_says_it_is() {
        let said = "promtool, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5)\n";
        assert_eq!(version(said).as_deref(), Some("2.42.0+ds"));
        assert_eq!(version("promtool: unknown"), None);
    }

    #[test]
    fn tests_of_several_groups_must_name_their_order() {
        let one = file("rules/one.yaml", json!({"groups": [{"name": "a"}]}));
        let two = file(
            "rules/two.yaml",
            json!({"groups": [{"name": "a"}, {"name": "b"}]}),
        );
        let rules = [one, two];
        let faults = |of: &str, order: &[&str]| {
            let content =
                json!({"rule_files": [format!("../rules/{of}.yaml")], "group_eval_order": order});
            unordered(&rules, &[file("tests/t.yaml", content)]).len()
        };
        assert_eq!(faults("one", &[]), 0);
        assert_eq!(faults("two", &["a", "b"]), 0);
        assert_eq!(faults("two", &[]), 1);
        assert_eq!(faults("two", &["b", "a"]), 1);
    }
}
