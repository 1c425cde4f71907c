//! Sends a message to Slack with an incoming webhook or bot token, obeying its rate limit, within a time limit.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{Response, StatusCode};

/// Maximum number of attempts.
const ATTEMPTS: u32 = 4;
/// Timeout of one attempt.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum wait for a rate limit; Slack's is seconds.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The destination of messages.
#[derive(Debug)]
pub(crate) enum Channel {
    /// An incoming webhook; its URL is a secret.
    Webhook(String),
    /// A bot that posts to a channel.
    Bot {
        api_url: String,
        token: String,
        channel: String,
    },
}

impl Channel {
    fn url(&self) -> &str {
        match self {
            Self::Webhook(url) | Self::Bot { api_url: url, .. } => url,
        }
    }
}

/// Sends the message; the error contains no secret.
pub(crate) fn send(
    channel: &Channel,
    message: &Value,
    sleep: impl Fn(Duration),
) -> Result<(), String> {
    let agent = http_client::agent(CALL_TIMEOUT);
    let mut problem = String::new();
    for attempt in 1..=ATTEMPTS {
        let outcome = match channel {
            Channel::Webhook(url) => agent.post(url).send_json(message),
            Channel::Bot {
                api_url,
                token,
                channel,
            } => {
                let mut message = message.clone();
                message["channel"] = Value::from(channel.as_str());
                let url = format!("{api_url}/chat.postMessage");
                agent
                    .post(&url)
                    .header("authorization", format!("Bearer {token}"))
                    .send_json(&message)
            }
        };
        let wait = match outcome {
            // The client's error may quote the URL, which is a secret.
            Err(error) => {
                let why = http_client::through_proxy(channel.url(), &kind(&error));
                problem = format!("Slack could not be reached: {why}");
                backoff(attempt)
            }
            Ok(response) => match judge(response) {
                Verdict::Taken => return Ok(()),
                Verdict::Refused(why) => return Err(why),
                Verdict::Later(why, wait) => {
                    problem = why;
                    wait.unwrap_or_else(|| backoff(attempt)).min(LONGEST_WAIT)
                }
            },
        };
        if attempt < ATTEMPTS {
            sleep(wait);
        }
    }
    Err(format!("{problem}; gave up after {ATTEMPTS} attempts"))
}

enum Verdict {
    Taken,
    Refused(String),
    Later(String, Option<Duration>),
}

fn judge(response: Response<ureq::Body>) -> Verdict {
    let status = response.status();
    let wait = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.into_body().read_to_string().unwrap_or_default();
    let word = body.chars().take(200).collect::<String>();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Verdict::Later(
            "Slack limits the rate of messages (429)".into(),
            wait.map(Duration::from_secs),
        );
    }
    if status.is_server_error() {
        return Verdict::Later(format!("Slack returned {status}"), None);
    }
    if !status.is_success() {
        return Verdict::Refused(format!("Slack rejected the message: {status} {word}"));
    }
    // The Web API returns 200 with the result in the body; a webhook returns `ok`.
    match serde_json::from_str::<Value>(&body) {
        Ok(answer) if answer["ok"] == false => {
            Verdict::Refused(format!("Slack rejected the message: {}", answer["error"]))
        }
        _ => Verdict::Taken,
    }
}

fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.min(5))
}

fn kind(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.kind().to_string(),
        ureq::Error::Timeout(_) => "timed out".into(),
        ureq::Error::HostNotFound => "its host is not known".into(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "its address is not a URL".into(),
        _ => "connection failed".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Channel, send};
    use crate::notify::message::{Commit, Report};
    use crate::notify::state::News;
    use crate::notify::step_log::FailedStep;
    use slack_stand_in::{Behaviour, SlackStandIn};

    fn slack(behaviour: Behaviour) -> SlackStandIn {
        SlackStandIn::start("127.0.0.1:0".parse().expect("an address"), behaviour).expect("starts")
    }

    fn deliver(channel: &Channel, message: &Value) -> (Result<(), String>, Vec<Duration>) {
        let slept = RefCell::new(Vec::new());
        let outcome = send(channel, message, |time| slept.borrow_mut().push(time));
        (outcome, slept.into_inner())
    }

    /// The longest text of a build, in characters that escaping lengthens.
    fn monstrous() -> Report {
        let long = "<&>\u{1F41B}".repeat(20_000);
        let step = FailedStep {
            name: Some(long.clone()),
            exit_code: Some(101),
            first_lines: vec![long.clone(); 50],
        };
        let commit = Commit {
            revision: long.clone(),
            author: long.clone(),
            subject: long.clone(),
        };
        let url = format!("https://concourse.test/{}", "x".repeat(4000));
        let links = vec![("Build", url), ("Report", "https://sonar.test/".into())];
        Report {
            news: News::Broke,
            flow: long.clone(),
            job: long.clone(),
            commit: Some(commit),
            step,
            links,
            note: Some(long),
        }
    }

    #[test]
    fn slack_takes_every_message_whatever_the_build_said() {
        let slack = slack(Behaviour::default());
        let channel = Channel::Webhook(slack.webhook_url());
        assert_eq!(deliver(&channel, &monstrous().payload()).0, Ok(()));
        let bare = Report {
            commit: None,
            step: FailedStep::default(),
            links: Vec::new(),
            note: None,
            ..monstrous()
        };
        assert_eq!(deliver(&channel, &bare.payload()).0, Ok(()));
        assert!(slack.refused().is_empty(), "{:?}", slack.refused());
    }

    #[test]
    fn a_bot_token_sends_to_its_channel() {
        let slack = slack(Behaviour::default());
        let bot = |token: &str| Channel::Bot {
            api_url: slack.api_url(),
            token: token.into(),
            channel: "#builds".into(),
        };
        assert_eq!(
            deliver(&bot(slack.bot_token()), &json!({"text": "hello"})).0,
            Ok(())
        );
        assert_eq!(
            slack.accepted(),
            [json!({"text": "hello", "channel": "#builds"})]
        );
        let (refused, slept) = deliver(&bot("xoxb-wrong"), &json!({"text": "hello"}));
        assert_eq!(
            (refused, slept.len()),
            (
                Err("Slack rejected the message: \"invalid_auth\"".into()),
                0
            )
        );
    }

    #[test]
    fn a_rate_limit_is_obeyed_to_the_second() {
        let slack = slack(Behaviour {
            rate_limited: 2,
            retry_after_s: 9,
            ..Behaviour::default()
        });
        let (outcome, slept) = deliver(
            &Channel::Webhook(slack.webhook_url()),
            &json!({"text": "hello"}),
        );
        assert_eq!((outcome, slept), (Ok(()), vec![Duration::from_secs(9); 2]));
        assert_eq!(slack.accepted().len(), 1);
    }

    #[test]
    fn a_broken_slack_is_tried_a_few_times_and_then_given_up() {
        let slack = slack(Behaviour {
            broken: Some(503),
            ..Behaviour::default()
        });
        let (outcome, slept) = deliver(
            &Channel::Webhook(slack.webhook_url()),
            &json!({"text": "hello"}),
        );
        let why = outcome.expect_err("cannot be sent");
        assert!(why.contains("503") && why.contains("4 attempts"), "{why}");
        assert_eq!((slack.requests(), slept.len()), (4, 3));
    }

    #[test]
    fn a_message_that_slack_refuses_is_not_sent_again() {
        let slack = slack(Behaviour::default());
        let (outcome, _) = deliver(&Channel::Webhook(slack.webhook_url()), &json!({"text": ""}));
        assert!(outcome.expect_err("is refused").contains("no_text"));
        assert_eq!(slack.requests(), 1);
    }

    #[test]
    fn the_address_of_a_webhook_never_stands_in_an_error() {
        let channel = Channel::Webhook("http://127.0.0.1:1/services/T/B/very-secret".into());
        let why = deliver(&channel, &json!({"text": "hello"}))
            .0
            .expect_err("nobody listens");
        assert!(
            !why.contains("very-secret") && why.contains("could not be reached"),
            "{why}"
        );
    }
}
