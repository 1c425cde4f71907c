//! What of an OpenAPI document clients rely on beside schemas: paths, methods, parameters, bodies, answers, scopes.
//!
//! Knows the ways in which an operation can break its clients, and nothing of files.

use serde_json::{Map, Value};

use super::schemas::{Direction, Schemas};

/// The names under which a path keeps its operations; QUERY has no place of its own in `OpenAPI` 3.1.
const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "x-query",
];

/// One operation of a document.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    value: &'a Value,
}

impl Operation<'_> {
    /// How people call it, such as `GET /v1/users`.
    fn name(&self) -> String {
        let method = self.method.trim_start_matches("x-").to_uppercase();
        format!("{method} {}", self.path)
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    members(&document["paths"]).flat_map(|(path, item)| {
        members(item)
            .filter(|(method, _)| METHODS.contains(&method.as_str()))
            .map(move |(method, value)| Operation {
                path,
                method,
                value,
            })
    })
}

/// How many operations a document has.
pub(super) fn count(document: &Value) -> usize {
    operations(document).count()
}

/// Everything that a client of `released` would stumble over in `present`, a line each.
pub(super) fn breaks(released: &Value, present: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for old in operations(released) {
        let name = old.name();
        match present["paths"][old.path].get(old.method) {
            None => found.push(format!("{name} is gone")),
            Some(new) => {
                let mut broken = Broken {
                    schemas: Schemas::new(released, present),
                    found: Vec::new(),
                };
                broken.operation(old.value, new);
                found.extend(
                    broken
                        .found
                        .into_iter()
                        .map(|what| format!("{name}: {what}")),
                );
            }
        }
    }
    found
}

struct Broken<'a> {
    schemas: Schemas<'a>,
    found: Vec<String>,
}

impl<'a> Broken<'a> {
    fn operation(&mut self, old: &'a Value, new: &'a Value) {
        if old["operationId"] != new["operationId"] {
            self.say(format!(
                "operationId, by which generated clients call it, was {} and is {}",
                old["operationId"], new["operationId"]
            ));
        }
        if !admits(&old["security"], &new["security"]) {
            self.say("a caller who was let in is not any more: other or more scopes are asked for");
        }
        self.parameters(&old["parameters"], &new["parameters"]);
        self.request_body(&old["requestBody"], &new["requestBody"]);
        self.responses(&old["responses"], &new["responses"]);
    }

    fn say(&mut self, what: impl Into<String>) {
        self.found.push(what.into());
    }

    fn compare(&mut self, direction: Direction, at: &str, old: &'a Value, new: &'a Value) {
        self.found
            .extend(self.schemas.differences(direction, at, old, new));
    }

    fn parameters(&mut self, old: &'a Value, new: &'a Value) {
        let list = |value: &'a Value| value.as_array().into_iter().flatten();
        let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
        let is_required = |parameter: &Value| parameter["required"] == true;
        for before in list(old) {
            let name = format!("the {} parameter {}", text(&before["in"]), before["name"]);
            match list(new).find(|after| same(before, after)) {
                None => self.say(format!("{name} is not taken any more")),
                Some(after) => {
                    if is_required(after) && !is_required(before) {
                        self.say(format!("{name} is now required"));
                    }
                    self.compare(
                        Direction::Request,
                        &name,
                        &before["schema"],
                        &after["schema"],
                    );
                }
            }
        }
        for after in list(new).filter(|after| is_required(after)) {
            if !list(old).any(|before| same(before, after)) {
                self.say(format!(
                    "the parameter {} is new and required",
                    after["name"]
                ));
            }
        }
    }

    fn request_body(&mut self, old: &'a Value, new: &'a Value) {
        if new["required"] == true && old["required"] != true {
            self.say("a request body is now required");
        }
        for (media_type, before) in members(&old["content"]) {
            match new["content"].get(media_type) {
                None => self.say(format!("a body of {media_type} is not taken any more")),
                Some(after) => self.compare(
                    Direction::Request,
                    &format!("the body ({media_type})"),
                    &before["schema"],
                    &after["schema"],
                ),
            }
        }
    }

    fn responses(&mut self, old: &'a Value, new: &'a Value) {
        for (status, before) in members(old) {
            let Some(after) = new.get(status) else {
                self.say(format!("the status {status} is not answered any more"));
                continue;
            };
            for (header, _) in members(&before["headers"]) {
                if after["headers"].get(header).is_none() {
                    self.say(format!("{status} has lost its header {header}"));
                }
            }
            for (media_type, document) in members(&before["content"]) {
                match after["content"].get(media_type) {
                    None => self.say(format!("{status} is not answered as {media_type} any more")),
                    Some(present) => self.compare(
                        Direction::Response,
                        &format!("{status} ({media_type})"),
                        &document["schema"],
                        &present["schema"],
                    ),
                }
            }
        }
        // Clients have to cope with an error that they do not know, but not with a success that they do not know.
        for (status, _) in members(new).filter(|(status, _)| status.starts_with(['2', '3'])) {
            if old.get(status).is_none() {
                self.say(format!("the status {status} is new, and no error"));
            }
        }
    }
}

/// Whether everyone whom the old requirements let in is let in by the new ones.
fn admits(old: &Value, new: &Value) -> bool {
    let alternatives = |value: &Value| -> Vec<Map<String, Value>> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(Value::as_object).cloned().collect()
    };
    let (old, new) = (alternatives(old), alternatives(new));
    if new.is_empty() {
        return true;
    }
    let scopes = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let suffices = |has: &Map<String, Value>, wanted: &Map<String, Value>| {
        wanted.iter().all(|(scheme, wanted)| {
            has.get(scheme).is_some_and(|has| {
                scopes(wanted)
                    .iter()
                    .all(|scope| scopes(has).contains(scope))
            })
        })
    };
    !old.is_empty()
        && old
            .iter()
            .all(|has| new.iter().any(|wanted| suffices(has, wanted)))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
