//! `cargo xtask notify`: notifies Slack when a job's state changes.
//!
//! It never fails because of Slack: a build must not fail because a notification could not be sent.

use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::NotifyArgs;
use crate::notify::concourse_history::ConcourseJob;
use crate::notify::delivery::{self, Channel};
use crate::notify::message::{Commit, Report};
use crate::notify::state::{Memory, State};
use crate::notify::step_log::FailedStep;
use crate::notify::{file_history, step_log};
use xtask::run_tool::tool;
use xtask::secrets;

/// Messages that could not be sent, one line of JSON each.
const UNDELIVERED: &str = "target/notify/undelivered.jsonl";

pub(crate) fn run(args: &NotifyArgs) -> Result<()> {
    let before = remembered(args);
    let mut memory = before.memory.clone();
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let Some(news) = memory.note(args.state, now_s) else {
        printing::eprintln!("no change of {}/{}: no message", args.flow, args.job);
        return keep(args, memory);
    };
    let report = Report {
        news,
        flow: args.flow.clone(),
        job: args.job.clone(),
        commit: commit(),
        step: step_log(args),
        links: links(args, before.build_url),
        note: args.note.clone().filter(|note| !note.is_empty()),
    };
    let payload = report.payload();
    let sent =
        channel(args).and_then(|channel| delivery::send(&channel, &payload, std::thread::sleep));
    match sent {
        Ok(()) => {
            printing::eprintln!("notified Slack: {}", report.summary());
            keep(args, memory)
        }
        // The history is not updated: the next build sends what this one could not.
        Err(why) => {
            const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
            printing::eprintln!(
                "{YELLOW}not sent{YELLOW:#}: {}\n  why:  {why}\n  next: the message is kept in {UNDELIVERED}",
                report.summary()
            );
            if let Err(error) = leave_trace(Path::new(UNDELIVERED), now_s, &why, &payload) {
                printing::eprintln!("the message could not be kept either: {error}");
            }
            Ok(())
        }
    }
}

/// The last step's output; empty if the job passed.
fn step_log(args: &NotifyArgs) -> FailedStep {
    let folder = args
        .step_log
        .as_deref()
        .filter(|_| args.state != State::Succeeded);
    folder.map(step_log::read).unwrap_or_default()
}

struct Remembered {
    memory: Memory,
    build_url: Option<String>,
}

fn concourse_url(args: &NotifyArgs) -> Option<&str> {
    args.concourse_url.as_deref().filter(|url| !url.is_empty())
}

fn remembered(args: &NotifyArgs) -> Remembered {
    let Some(server) = concourse_url(args) else {
        return Remembered {
            memory: file_history::read(&args.history, &args.flow, &args.job),
            build_url: None,
        };
    };
    let api = args.concourse_api_url.as_deref();
    let job = ConcourseJob {
        server,
        api: api.filter(|url| !url.is_empty()).unwrap_or(server),
        team: &args.concourse_team,
        pipeline: &args.flow,
        job: &args.job,
    };
    let history = job.history().unwrap_or_else(|why| {
        printing::eprintln!("{why}; treating this build as the first one");
        crate::notify::concourse_history::History::default()
    });
    Remembered {
        memory: history.memory,
        build_url: history.build_url.or_else(|| Some(job.url())),
    }
}

fn keep(args: &NotifyArgs, memory: Memory) -> Result<()> {
    if concourse_url(args).is_some() {
        return Ok(());
    }
    file_history::write(&args.history, &args.flow, &args.job, memory)
}

fn channel(args: &NotifyArgs) -> Result<Channel, String> {
    if let Some(url) = secrets::variable("SLACK_WEBHOOK_URL") {
        return Ok(Channel::Webhook(url));
    }
    secrets::variable("SLACK_BOT_TOKEN")
        .map(|token| Channel::Bot {
            api_url: args.slack_api_url.clone(),
            token,
            channel: args.channel.clone(),
        })
        .ok_or_else(|| "neither SLACK_WEBHOOK_URL nor SLACK_BOT_TOKEN is set".to_owned())
}

/// The current commit; a message without it is still worth sending.
fn commit() -> Option<Commit> {
    let text = tool("git")
        .args(["log", "-1", "--format=%H%n%an%n%s"])
        .quiet()
        .output()
        .ok()?;
    let mut lines = text.lines().map(str::to_owned);
    Some(Commit {
        revision: lines.next()?,
        author: lines.next()?,
        subject: lines.next()?,
    })
}

fn links(args: &NotifyArgs, build_url: Option<String>) -> Vec<(&'static str, String)> {
    // On a laptop, people and the scanner use the same address.
    let sonar = args.sonar_url.clone().filter(|url| !url.is_empty());
    let sonar = sonar.or_else(|| std::env::var("SONAR_HOST_URL").ok());
    let report = sonar.filter(|_| args.job == "analyse").map(|url| {
        format!(
            "{}/dashboard?id={}",
            url.trim_end_matches('/'),
            xtask_sonarqube::project_key(&args.flow)
        )
    });
    let runbook = format!(
        "{}/blob/master/concourse/pipelines/{}.md",
        env!("CARGO_PKG_REPOSITORY"),
        args.flow
    );
    let found = [
        ("Build", build_url),
        ("Report", report),
        ("Runbook", Some(runbook)),
    ];
    found
        .into_iter()
        .filter_map(|(name, url)| Some((name, url?)))
        .collect()
}

fn leave_trace(path: &Path, at_s: u64, why: &str, payload: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    writeln!(
        file,
        "{}",
        json!({"at": at_s, "why": why, "message": payload})
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::leave_trace;

    #[test]
    fn a_message_that_could_not_be_sent_leaves_a_line_of_its_own() {
        let folder = std::env::temp_dir().join(format!("roster-notify-{}", std::process::id()));
        let path = folder.join("undelivered.jsonl");
        leave_trace(&path, 1, "away", &json!({"text": "one"})).expect("is written");
        leave_trace(&path, 2, "away", &json!({"text": "two"})).expect("is written");
        let text = std::fs::read_to_string(&path).expect("is there");
        std::fs::remove_dir_all(&folder).expect("is removed");
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains(r#""text":"two""#), "{text}");
    }
}
