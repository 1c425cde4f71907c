//! The text and blocks of a message, within Block Kit's limits for any build output.
//!
//! Everything from a build is redacted, then escaped, then truncated: in that order, so that truncation cannot expose a
//! secret.

use serde_json::{Value, json};

use super::state::News;
use super::step_log::FailedStep;
use xtask::secrets;

/// Limits of Slack's Block Kit, in characters.
const HEADER: usize = 150;
const FIELD: usize = 2000;
const QUOTE: usize = 2400;
const LINK: usize = 3000;

/// The content of a message.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) news: News,
    pub(crate) flow: String,
    pub(crate) job: String,
    pub(crate) commit: Option<Commit>,
    pub(crate) step: FailedStep,
    /// Names and URLs of links.
    pub(crate) links: Vec<(&'static str, String)>,
    /// A remark about the message itself.
    pub(crate) note: Option<String>,
}

/// The commit that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) revision: String,
    pub(crate) author: String,
    pub(crate) subject: String,
}

impl Report {
    /// One line, also shown in mobile notifications.
    pub(crate) fn summary(&self) -> String {
        let sign = match self.news {
            News::Fixed => "✅",
            News::Aborted => "⏹",
            News::Errored | News::StillErrored => "⚠️",
            News::Broke | News::StillBroken => "❌",
        };
        let ended = match self.news {
            News::Broke => "broke",
            News::StillBroken => "is still broken",
            News::Fixed => "works again",
            News::Errored => "could not run",
            News::StillErrored => "still cannot run",
            News::Aborted => "was stopped",
        };
        clip(
            &format!("{sign} {}: {} {ended}", self.flow, self.job),
            HEADER,
        )
    }

    /// The message in Slack's format.
    pub(crate) fn payload(&self) -> Value {
        let mut blocks = vec![
            json!({"type": "header", "text": {"type": "plain_text", "text": self.summary(), "emoji": true}}),
        ];
        let fields: Vec<_> = self
            .fields()
            .into_iter()
            .map(|text| json!({"type": "mrkdwn", "text": text}))
            .collect();
        if !fields.is_empty() {
            blocks.push(json!({"type": "section", "fields": fields}));
        }
        if !self.step.first_lines.is_empty() {
            let quote = clip(
                &foreign(&self.step.first_lines.join("\n")).replace("```", "'''"),
                QUOTE,
            );
            blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": format!("```{quote}```")}}));
        }
        let web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        let fits = |url: &str| web(url) && url.chars().count() <= LINK;
        let buttons: Vec<_> = self.links.iter().filter(|(_, url)| fits(url)).map(|(name, url)| {
            json!({"type": "button", "text": {"type": "plain_text", "text": name}, "url": url, "action_id": format!("open-{name}")})
        }).collect();
        if !buttons.is_empty() {
            blocks.push(json!({"type": "actions", "elements": buttons}));
        }
        if let Some(note) = &self.note {
            let note = clip(&foreign(note), FIELD);
            blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": note}]}));
        }
        json!({"text": escape(&self.summary()), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
    }

    fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        if let Some(name) = &self.step.name {
            let ended = self
                .step
                .exit_code
                .map_or("interrupted".to_owned(), |code| format!("exit code {code}"));
            fields.push(clip(&format!("*Step*\n{} ({ended})", foreign(name)), FIELD));
        }
        if let Some(commit) = &self.commit {
            let revision: String = commit.revision.chars().take(12).collect();
            fields.push(clip(
                &format!(
                    "*Commit*\n`{}` {}",
                    foreign(&revision),
                    foreign(&commit.subject)
                ),
                FIELD,
            ));
            fields.push(clip(
                &format!("*Author*\n{}", foreign(&commit.author)),
                FIELD,
            ));
        }
        fields
    }
}

/// Text from a build: redacted, and escaped so that it can neither link nor mention anybody.
fn foreign(text: &str) -> String {
    escape(&secrets::redact(text))
}

/// Slack's three control characters as entities.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// At most this many characters, without splitting an entity.
fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most - 1).collect();
    if let Some(entity) = kept.rfind('&')
        && !kept[entity..].contains(';')
    {
        kept.truncate(entity);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::{Commit, Report, clip, foreign};
    use crate::notify::state::News;
    use crate::notify::step_log::FailedStep;

    fn report() -> Report {
        Report {
            news: News::Broke,
            flow: "develop".into(),
            job: "test".into(),
            commit: Some(Commit {
                revision: "0123456789abcdef".into(),
                author: "Ada <ada@example.com>".into(),
                subject: "Greet <!channel> & all".into(),
            }),
            step: FailedStep {
                name: Some("test-workspace".into()),
                exit_code: Some(1),
                first_lines: vec!["error: oh <dear>".into()],
            },
            links: vec![
                ("Build", "https://concourse.test/b/1".into()),
                ("Runbook", "javascript:alert(1)".into()),
            ],
            note: Some("Sent by an older notifier.".into()),
        }
    }

    #[test]
    fn a_message_names_flow_job_step_commit_author_error_and_links() {
        let text = report().payload().to_string();
        for part in [
            "develop: test broke",
            "test-workspace (exit code 1)",
            "0123456789ab",
            "oh &lt;dear&gt;",
            "https://concourse.test/b/1",
            "Sent by an older notifier.",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(
            !text.contains("javascript:"),
            "a link that is not http(s) was kept"
        );
    }

    #[test]
    fn text_of_a_build_can_call_for_nobody() {
        let text = report().payload().to_string();
        assert!(
            !text.contains("<!channel>") && text.contains("&lt;!channel&gt; &amp; all"),
            "{text}"
        );
    }

    #[test]
    fn a_secret_in_an_error_is_hidden_before_the_text_is_cut() {
        let long = format!("{} postgres://roster:hunter2@db/x", "x".repeat(2000));
        let clipped = clip(&foreign(&long), 2020);
        assert!(!clipped.contains("hunter"), "{clipped}");
    }

    #[test]
    fn no_entity_is_cut_in_two() {
        assert_eq!(clip("aaaa&amp;bbbb", 8), "aaaa…");
        assert_eq!(clip("aaaa", 4), "aaaa");
    }
}
