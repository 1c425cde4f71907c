//! Messages at and over the limits.

use serde_json::{Value, json};

use super::check_message;

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

fn refusal(blocks: &Value) -> String {
    let refusal =
        check_message(&json!({"text": "t", "blocks": blocks}), false).expect_err("is refused");
    assert_eq!(refusal.code, "invalid_blocks");
    refusal.reasons.join("\n")
}

#[test]
fn a_message_within_every_limit_is_taken() {
    let blocks = json!([
        {"type": "header", "text": {"type": "plain_text", "text": "h".repeat(150), "emoji": true}},
        section(&"s".repeat(3000)),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "c"}]},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Build"}, "url": "https://x.test/"}]},
    ]);
    check_message(&json!({"text": "t", "blocks": blocks}), false).expect("is taken");
}

#[test]
fn what_is_over_a_limit_is_refused_by_name() {
    let header =
        |text: &str| json!([{"type": "header", "text": {"type": "plain_text", "text": text}}]);
    assert!(refusal(&header(&"h".repeat(151))).contains("1 to 150"));
    assert!(refusal(&header("")).contains("1 to 150"));
    assert!(refusal(&json!([section(&"s".repeat(3001))])).contains("1 to 3000"));
    assert!(refusal(&Value::Array(vec![section("s"); 51])).contains("no more than 50"));
    let fields = vec![json!({"type": "mrkdwn", "text": "f"}); 11];
    assert!(refusal(&json!([{"type": "section", "fields": fields}])).contains("1 to 10"));
    let button = json!({"type": "button", "text": {"type": "plain_text", "text": "b".repeat(76)}});
    assert!(refusal(&json!([{"type": "actions", "elements": [button]}])).contains("1 to 75"));
}

#[test]
fn what_is_not_in_the_format_is_refused() {
    assert!(refusal(&json!([{"type": "banner"}])).contains("unsupported type"));
    assert!(
        refusal(&json!([{"type": "divider", "colour": "red"}])).contains("unknown property colour")
    );
    assert!(
        refusal(&json!([{"type": "header", "text": {"type": "mrkdwn", "text": "h"}}]))
            .contains("plain_text")
    );
}

#[test]
fn a_message_that_says_nothing_is_refused() {
    let refusal = check_message(&json!({"text": ""}), false).expect_err("is refused");
    assert_eq!(refusal.code, "no_text");
}

#[test]
fn an_alertmanager_message_is_taken() {
    let attachment = json!({"title": "[FIRING:1] X", "title_link": "https://a.test", "text": "t", "fallback": "f", "color": "danger", "mrkdwn_in": ["text"]});
    check_message(
        &json!({"channel": "#alerts", "username": "Alertmanager", "attachments": [attachment]}),
        false,
    )
    .expect("is taken");
}
