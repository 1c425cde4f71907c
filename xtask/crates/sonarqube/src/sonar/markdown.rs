//! The report as Markdown, for people.

use std::fmt::Write;

use super::report::{Issues, Report};

/// Renders it.
pub(crate) fn render(report: &Report) -> String {
    let analysis = &report.analysis;
    let verdict = match report.gate.as_str() {
        "OK" => "passed",
        "NONE" => "was not evaluated",
        _ => "**did not pass**",
    };
    let revision: String = analysis.revision.chars().take(12).collect();
    let mut text = format!(
        "# SonarQube: {}\n\nThe quality gate {verdict} for `{revision}`. [On the server]({})\n",
        analysis.branch, analysis.dashboard_url
    );
    table(
        &mut text,
        "Conditions",
        &["metric", "status", "actual", "fails when"],
        report.conditions.iter().map(|it| {
            let sign = if it.comparator == "LT" { "<" } else { ">" };
            vec![
                it.metric.clone(),
                it.status.clone(),
                it.actual.clone().unwrap_or_else(|| "–".into()),
                format!("{sign} {}", it.threshold),
            ]
        }),
    );
    let measures = report
        .measures
        .iter()
        .map(|(metric, value)| vec![metric.clone(), value.clone()]);
    table(&mut text, "Numbers", &["metric", "value"], measures);
    table(
        &mut text,
        "Files with the most uncovered lines",
        &["file", "uncovered lines", "coverage %"],
        report.worst_files.iter().map(|it| {
            vec![
                link(&it.path, &it.url),
                it.uncovered_lines.to_string(),
                it.coverage.clone().unwrap_or_else(|| "–".into()),
            ]
        }),
    );
    issues(&mut text, "New issues", &report.new_issues);
    issues(&mut text, "All issues", &report.all_issues);
    text
}

fn issues(text: &mut String, title: &str, issues: &Issues) {
    let title = format!("{title}: {}", issues.total);
    table(
        text,
        &title,
        &["where", "severity", "what", "rule"],
        issues.first.iter().map(|it| {
            let place = it
                .line
                .map_or_else(|| it.path.clone(), |line| format!("{}:{line}", it.path));
            vec![
                link(&place, &it.url),
                it.severity.clone(),
                it.message.clone(),
                it.rule.clone(),
            ]
        }),
    );
}

fn link(text: &str, url: &str) -> String {
    format!("[{text}]({url})")
}

fn table(text: &mut String, title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let _ = write!(text, "\n## {title}\n\n");
    let rows: Vec<_> = rows
        .map(|row| row.iter().map(|cell| cell_text(cell)).collect::<Vec<_>>())
        .collect();
    if rows.is_empty() {
        return text.push_str("None.\n");
    }
    text.push_str(&line(
        &head
            .iter()
            .map(|cell| (*cell).to_owned())
            .collect::<Vec<_>>(),
    ));
    text.push_str(&line(&vec!["---".to_owned(); head.len()]));
    text.extend(rows.iter().map(|row| line(row)));
}

fn cell_text(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::sonar::report::tests::report;

    #[test]
    fn the_page_has_verdict_conditions_files_and_issues_with_links() {
        let page = render(&report("ERROR"));
        for part in [
            "**did not pass** for `0123456789ab`",
            "| new_coverage | ERROR | 61.2 | < 80 |",
            "| [service/src/a.rs](http://s/c) | 9 | – |",
            "## New issues: 1",
            "| [service/src/a.rs:7](http://s/i) | LOW | use \\| less |",
            "## All issues: 0\n\nNone.",
        ] {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
    }
}
