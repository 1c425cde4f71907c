//! `cargo xtask sonar`: analyses, fetches the report, checks the quality gate, and applies the server's settings.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cli::{
    SonarArgs, SonarCommand, SonarGateArgs, SonarReportArgs, SonarScanArgs, SonarServerArgs,
};
use crate::sonar::analysis::{self, Analysis, Sent};
use crate::sonar::apply;
use crate::sonar::client::Client;
use crate::sonar::report::Report;
use crate::sonar::{markdown, project_key, quality_gate};
use xtask::failure::{Failure, Kind};
use xtask::git;
use xtask::run_tool::tool;
use xtask::secrets;
use xtask::tools;

const PROPERTIES: &str = "sonarqube/sonar-project.properties";
/// The scanner's own output directory.
const WORK: &str = "target/sonar/scanner";
const MARKDOWN_FILE: &str = "report.md";

pub(crate) fn run(args: &SonarArgs) -> Result<()> {
    match &args.command {
        SonarCommand::Apply(args) => {
            let client = client(args, "SONAR_ADMIN_TOKEN")?;
            apply::apply(&client, &quality_gate::read()?, &args.branch)
        }
        SonarCommand::Scan(args) => scan(args),
        SonarCommand::Report(args) => fetch_report(args),
        SonarCommand::Gate(args) => judge(args),
    }
}

fn client(args: &SonarServerArgs, token: &'static str) -> Result<Client> {
    Client::new(
        &args.host_url,
        token,
        Duration::from_secs(args.wait_limit_s),
    )
}

fn scan(args: &SonarScanArgs) -> Result<()> {
    let scanner = std::env::var("SONAR_SCANNER").unwrap_or_else(|_| "sonar-scanner".to_owned());
    if scanner == "sonar-scanner" && !tools::is_installed(&scanner) {
        return Err(tools::missing(&scanner));
    }
    let coverage = std::path::absolute(args.coverage_dir.join("lcov.info"))?;
    if !coverage.is_file() {
        let what = format!("there is no coverage in {}", args.coverage_dir.display());
        return Err(Failure::new(
            Kind::Usage,
            what,
            "lcov.info is missing",
            "run `cargo xtask coverage` first",
        )
        .into());
    }
    let client = client(&args.server, "SONAR_TOKEN")?;
    ready(&client, &args.server)?;

    std::fs::create_dir_all(&args.output_dir)?;
    let clippy = std::path::absolute(args.output_dir.join("clippy.json"))?;
    let findings = clippy_report(&clippy)?;
    printing::eprintln!("clippy has {findings} findings");

    let key = project_key(&args.server.branch);
    // An earlier task must not be mistaken for this one.
    let _ = std::fs::remove_file(Path::new(WORK).join("report-task.txt"));
    let property = |name: &str, value: &dyn std::fmt::Display| format!("-D{name}={value}");
    tool(scanner)
        .env("SONAR_HOST_URL", &args.server.host_url)
        .secret_env(
            "SONAR_TOKEN",
            secrets::variable("SONAR_TOKEN").unwrap_or_default(),
        )
        .arg(property("project.settings", &PROPERTIES))
        .arg(property("sonar.projectKey", &key))
        .arg(property(
            "sonar.projectName",
            &format_args!("Roster ({})", args.server.branch),
        ))
        .arg(property("sonar.projectVersion", &env!("CARGO_PKG_VERSION")))
        .arg(property("sonar.working.directory", &WORK))
        .arg(property("sonar.rust.lcov.reportPaths", &coverage.display()))
        .arg(property(
            "sonar.rust.clippyReport.reportPaths",
            &clippy.display(),
        ))
        .run()?;

    let left = std::fs::read_to_string(Path::new(WORK).join("report-task.txt"))
        .context("the scanner left no report-task.txt")?;
    let sent = Sent::read(&left)?;
    let analysis = Analysis {
        analysis_id: analysis::wait(&client, &sent.task_id)?,
        dashboard_url: sent.dashboard_url,
        revision: git::head()?,
        branch: args.server.branch.clone(),
        project_key: key,
        task_id: sent.task_id,
    };
    analysis.write(&args.output_dir)?;
    printing::println!("{}", analysis.dashboard_url);
    Ok(())
}

/// Checks that the server responds, accepts the token and has the project; creates the project if permitted.
fn ready(scanning: &Client, args: &SonarServerArgs) -> Result<()> {
    let valid = scanning.get("api/authentication/validate", &[])?;
    if valid["valid"] != true {
        return Err(Failure::new(
            Kind::Usage,
            "SonarQube does not accept the token",
            "SONAR_TOKEN is wrong, revoked or expired",
            format!(
                "create a new one at {}/account/security and set SONAR_TOKEN",
                scanning.base()
            ),
        )
        .into());
    }
    if secrets::variable("SONAR_ADMIN_TOKEN").is_some() {
        return apply::apply(
            &client(args, "SONAR_ADMIN_TOKEN")?,
            &quality_gate::read()?,
            &args.branch,
        );
    }
    Ok(())
}

/// Writes clippy's findings in the whole workspace as JSON, each once; returns their number.
fn clippy_report(path: &Path) -> Result<usize> {
    let mut run = tool("cargo")
        .args(["clippy", "--workspace", "--locked", "--message-format=json"])
        .stdout_to(path)?;
    let status = run.status()?;
    let text = std::fs::read_to_string(path)?;
    let messages = || {
        text.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    };
    // Denied lints make clippy exit with 101 but are findings; code that does not compile is an error.
    let broken = messages().find(|message| {
        message
            .pointer("/message/code/code")
            .and_then(Value::as_str)
            .is_some_and(|code| code.starts_with('E'))
    });
    if let Some(message) = broken {
        let why = message
            .pointer("/message/rendered")
            .and_then(Value::as_str)
            .unwrap_or_default();
        return Err(Failure::new(
            Kind::Check,
            "the sources do not compile",
            why,
            "run `cargo xtask compile`",
        )
        .into());
    }
    let finished = messages().any(|message| message["reason"] == "build-finished");
    anyhow::ensure!(finished, "clippy did not finish ({status})");
    let findings = messages().filter(|message| {
        let code = message
            .pointer("/message/code/code")
            .and_then(Value::as_str);
        message["reason"] == "compiler-message" && code.is_some()
    });
    Ok(findings.count())
}

fn fetch_report(args: &SonarReportArgs) -> Result<()> {
    let client = client(&args.server, "SONAR_TOKEN")?;
    let analysis = Analysis::read(&args.analysis_dir)?;
    if analysis.project_key != project_key(&args.server.branch) {
        let what = format!(
            "the analysis is for {}, not for {}",
            analysis.branch, args.server.branch
        );
        return Err(Failure::new(
            Kind::Usage,
            what,
            "",
            "give its branch with --branch, or scan again",
        )
        .into());
    }
    let report = Report::fetch(&client, analysis)?;
    report.write(&args.output_dir)?;
    let page = args.output_dir.join(MARKDOWN_FILE);
    std::fs::write(&page, markdown::render(&report))?;
    for (metric, value) in &report.measures {
        printing::println!("{value:>10}  {metric}");
    }
    printing::println!("{:>10}  quality gate", report.gate);
    printing::eprintln!("report: {}", page.display());
    Ok(())
}

fn judge(args: &SonarGateArgs) -> Result<()> {
    let report = Report::read(&args.report_dir)?;
    report.judge()?;
    printing::println!(
        "the quality gate passed; conditions checked: {}",
        report.conditions.len()
    );
    Ok(())
}
