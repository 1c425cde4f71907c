//! Slack's requirements for a message: the limits in Block Kit's reference.
//!
//! Blocks that Roster does not send (rich text, video, input …) are rejected instead of ignored.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Why Slack would reject a message: its error code and reasons.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) reasons: Vec<String>,
}

const MESSAGE_KEYS: &[&str] = &[
    "text",
    "blocks",
    "attachments",
    "channel",
    "username",
    "icon_emoji",
    "icon_url",
    "link_names",
    "mrkdwn",
    "parse",
    "response_type",
    "thread_ts",
    "unfurl_links",
    "unfurl_media",
    "metadata",
];
const ATTACHMENT_KEYS: &[&str] = &[
    "actions",
    "author_icon",
    "author_link",
    "author_name",
    "blocks",
    "callback_id",
    "color",
    "fallback",
    "fields",
    "footer",
    "footer_icon",
    "image_url",
    "mrkdwn_in",
    "pretext",
    "text",
    "thumb_url",
    "title",
    "title_link",
    "ts",
];

/// Checks a whole message; `needs_channel` for the Web API, which requires one.
pub(super) fn check_message(message: &Value, needs_channel: bool) -> Result<(), Refusal> {
    let refuse = |code: &str, reasons: Vec<String>| {
        Err(Refusal {
            code: code.to_owned(),
            reasons,
        })
    };
    let Some(message) = message.as_object() else {
        return refuse("invalid_payload", vec!["not an object".into()]);
    };
    if needs_channel
        && !message
            .get("channel")
            .is_some_and(|channel| filled(channel, 1, 255))
    {
        return refuse("channel_not_found", Vec::new());
    }
    let present = |key: &str| message.get(key).is_some_and(|value| !is_empty(value));
    if !present("text") && !present("blocks") && !present("attachments") {
        return refuse("no_text", Vec::new());
    }
    if message
        .get("text")
        .is_some_and(|text| !filled(text, 0, 40_000))
    {
        return refuse("msg_too_long", Vec::new());
    }
    let mut faults = Faults::default();
    faults.only(message, MESSAGE_KEYS, "message");
    if let Some(attachments) = message.get("attachments") {
        faults.attachments(attachments);
        if !faults.0.is_empty() {
            return refuse("invalid_attachments", faults.0);
        }
    }
    if let Some(blocks) = message.get("blocks") {
        faults.blocks(blocks, "/blocks");
    }
    if faults.0.is_empty() {
        Ok(())
    } else {
        refuse("invalid_blocks", faults.0)
    }
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, at: &str, text: &str) {
        self.0.push(format!("[ERROR] {text} [json-pointer:{at}]"));
    }

    fn only(&mut self, object: &Map<String, Value>, known: &[&str], at: &str) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(
                at,
                &format!("no more items allowed: unknown property {key}"),
            );
        }
    }

    fn attachments(&mut self, attachments: &Value) {
        let Some(list) = attachments.as_array().filter(|list| list.len() <= 100) else {
            return self.add("/attachments", "must be a list of at most 100");
        };
        for (index, attachment) in list.iter().enumerate() {
            let at = format!("/attachments/{index}");
            let Some(attachment) = attachment.as_object() else {
                self.add(&at, "must be an object");
                continue;
            };
            self.only(attachment, ATTACHMENT_KEYS, &at);
            let says = ["text", "fallback", "title", "pretext", "blocks", "fields"];
            if !says
                .iter()
                .any(|key| attachment.get(*key).is_some_and(|value| !is_empty(value)))
            {
                self.add(&at, "says nothing");
            }
            if let Some(blocks) = attachment.get("blocks") {
                self.blocks(blocks, &format!("{at}/blocks"));
            }
        }
    }

    fn blocks(&mut self, blocks: &Value, at: &str) {
        let Some(list) = blocks.as_array() else {
            return self.add(at, "must be a list");
        };
        if list.len() > 50 {
            self.add(at, "no more than 50 items allowed");
        }
        let mut ids = BTreeSet::new();
        for (index, block) in list.iter().enumerate() {
            let at = format!("{at}/{index}");
            let Some(block) = block.as_object() else {
                self.add(&at, "must be an object");
                continue;
            };
            if let Some(id) = block.get("block_id") {
                if !filled(id, 1, 255) {
                    self.add(&at, "block_id: 1 to 255 characters");
                }
                if !ids.insert(id.to_string()) {
                    self.add(&at, "block_id already exists");
                }
            }
            self.block(block, &at);
        }
    }

    fn block(&mut self, block: &Map<String, Value>, at: &str) {
        let known: &[&str] = match block.get("type").and_then(Value::as_str) {
            Some("header") => {
                self.text(
                    block.get("text"),
                    &["plain_text"],
                    150,
                    &format!("{at}/text"),
                );
                &["type", "block_id", "text"]
            }
            Some("section") => {
                self.section(block, at);
                &["type", "block_id", "text", "fields", "accessory", "expand"]
            }
            Some("context") => {
                self.context(block.get("elements"), &format!("{at}/elements"));
                &["type", "block_id", "elements"]
            }
            Some("actions") => {
                self.actions(block.get("elements"), &format!("{at}/elements"));
                &["type", "block_id", "elements"]
            }
            Some("divider") => &["type", "block_id"],
            other => {
                return self.add(
                    at,
                    &format!("unsupported type: {}", other.unwrap_or("none")),
                );
            }
        };
        self.only(block, known, at);
    }

    fn section(&mut self, block: &Map<String, Value>, at: &str) {
        if !block.contains_key("text") && !block.contains_key("fields") {
            self.add(at, "must have text or fields");
        }
        if let Some(text) = block.get("text") {
            self.text(
                Some(text),
                &["plain_text", "mrkdwn"],
                3000,
                &format!("{at}/text"),
            );
        }
        if let Some(fields) = block.get("fields") {
            let Some(list) = fields
                .as_array()
                .filter(|list| (1..=10).contains(&list.len()))
            else {
                return self.add(at, "fields: a list of 1 to 10");
            };
            for (index, field) in list.iter().enumerate() {
                self.text(
                    Some(field),
                    &["plain_text", "mrkdwn"],
                    2000,
                    &format!("{at}/fields/{index}"),
                );
            }
        }
        if let Some(accessory) = block.get("accessory") {
            self.button(accessory, &format!("{at}/accessory"));
        }
    }

    fn context(&mut self, elements: Option<&Value>, at: &str) {
        let Some(list) = elements
            .and_then(Value::as_array)
            .filter(|list| (1..=10).contains(&list.len()))
        else {
            return self.add(at, "a list of 1 to 10");
        };
        for (index, element) in list.iter().enumerate() {
            self.text(
                Some(element),
                &["plain_text", "mrkdwn"],
                3000,
                &format!("{at}/{index}"),
            );
        }
    }

    fn actions(&mut self, elements: Option<&Value>, at: &str) {
        let Some(list) = elements
            .and_then(Value::as_array)
            .filter(|list| (1..=25).contains(&list.len()))
        else {
            return self.add(at, "a list of 1 to 25");
        };
        let mut ids = BTreeSet::new();
        for (index, element) in list.iter().enumerate() {
            self.button(element, &format!("{at}/{index}"));
            if let Some(id) = element.get("action_id")
                && !ids.insert(id.to_string())
            {
                self.add(at, "action_id already exists");
            }
        }
    }

    fn button(&mut self, button: &Value, at: &str) {
        let Some(button) = button
            .as_object()
            .filter(|it| it.get("type").is_some_and(|kind| kind == "button"))
        else {
            return self.add(at, "unsupported element: only buttons are supported here");
        };
        self.only(
            button,
            &[
                "type",
                "text",
                "action_id",
                "url",
                "value",
                "style",
                "confirm",
                "accessibility_label",
            ],
            at,
        );
        self.text(
            button.get("text"),
            &["plain_text"],
            75,
            &format!("{at}/text"),
        );
        for (key, most) in [("action_id", 255), ("url", 3000), ("value", 2000)] {
            if button.get(key).is_some_and(|value| !filled(value, 1, most)) {
                self.add(at, &format!("{key}: 1 to {most} characters"));
            }
        }
        let web = |url: &str| {
            ["http://", "https://", "mailto:"]
                .iter()
                .any(|scheme| url.starts_with(scheme))
        };
        if button
            .get("url")
            .and_then(Value::as_str)
            .is_some_and(|url| !web(url))
        {
            self.add(at, "url: not a web address");
        }
        if button
            .get("style")
            .is_some_and(|style| style != "primary" && style != "danger")
        {
            self.add(at, "style: primary or danger");
        }
    }

    fn text(&mut self, text: Option<&Value>, kinds: &[&str], most: usize, at: &str) {
        let Some(text) = text.and_then(Value::as_object) else {
            return self.add(at, "missing required text object");
        };
        let kind = text.get("type").and_then(Value::as_str).unwrap_or_default();
        if !kinds.contains(&kind) {
            self.add(at, &format!("must be of type {}", kinds.join(" or ")));
        }
        self.only(
            text,
            if kind == "mrkdwn" {
                &["type", "text", "verbatim"]
            } else {
                &["type", "text", "emoji"]
            },
            at,
        );
        if !text.get("text").is_some_and(|value| filled(value, 1, most)) {
            self.add(at, &format!("must be 1 to {most} characters"));
        }
    }
}

fn filled(value: &Value, least: usize, most: usize) -> bool {
    value
        .as_str()
        .is_some_and(|text| (least..=most).contains(&text.chars().count()))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
