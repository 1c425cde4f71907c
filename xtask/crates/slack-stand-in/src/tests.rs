//! The stand-in as seen by a client.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Behaviour, SlackStandIn};

fn start(behaviour: Behaviour) -> SlackStandIn {
    SlackStandIn::start("127.0.0.1:0".parse().expect("an address"), behaviour).expect("starts")
}

fn post(url: &str, token: Option<&str>, body: &Value) -> ureq::http::Response<String> {
    let mut request = http_client::agent(Duration::from_secs(5)).post(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let (head, mut body) = request.send_json(body).expect("an answer").into_parts();
    ureq::http::Response::from_parts(head, body.read_to_string().expect("text"))
}

#[test]
fn a_webhook_takes_what_slack_would_and_refuses_the_rest() {
    let slack = start(Behaviour::default());
    let taken = post(&slack.webhook_url(), None, &json!({"text": "hello"}));
    assert_eq!(
        (taken.status().as_u16(), taken.body().as_str()),
        (200, "ok")
    );
    let refused = post(
        &slack.webhook_url(),
        None,
        &json!({"text": "hello", "blocks": [{"type": "banner"}]}),
    );
    assert_eq!(
        (refused.status().as_u16(), refused.body().as_str()),
        (400, "invalid_blocks")
    );
    let elsewhere = slack.webhook_url().replace("T0STANDIN", "T0OTHER");
    assert_eq!(
        post(&elsewhere, None, &json!({"text": "hello"})).body(),
        "no_service"
    );
    assert_eq!(slack.accepted(), [json!({"text": "hello"})]);
    assert_eq!((slack.refused().len(), slack.requests()), (1, 3));
}

#[test]
fn the_web_api_wants_its_token_and_a_channel() {
    let slack = start(Behaviour::default());
    let url = format!("{}/chat.postMessage", slack.api_url());
    let error = |token, body: &Value| -> Value {
        serde_json::from_str::<Value>(post(&url, token, body).body()).expect("JSON")["error"]
            .clone()
    };
    assert_eq!(error(None, &json!({"text": "t"})), "not_authed");
    assert_eq!(
        error(Some("xoxb-wrong"), &json!({"text": "t"})),
        "invalid_auth"
    );
    assert_eq!(
        error(Some(slack.bot_token()), &json!({"text": "t"})),
        "channel_not_found"
    );
    assert_eq!(
        error(
            Some(slack.bot_token()),
            &json!({"text": "t", "channel": "#builds"})
        ),
        Value::Null
    );
}

#[test]
fn a_rate_limit_says_when_to_come_back() {
    let slack = start(Behaviour {
        rate_limited: 1,
        retry_after_s: 7,
        ..Behaviour::default()
    });
    let limited = post(&slack.webhook_url(), None, &json!({"text": "t"}));
    assert_eq!(limited.status().as_u16(), 429);
    assert_eq!(limited.headers()["retry-after"], "7");
    assert_eq!(
        post(&slack.webhook_url(), None, &json!({"text": "t"}))
            .status()
            .as_u16(),
        200
    );
}

#[test]
fn the_commands_are_those_of_the_list() {
    let program = xtask::program::Program::SlackStandIn;
    let differences = program.differences::<crate::cli::Cli>();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
