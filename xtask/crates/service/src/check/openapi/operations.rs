//! The parts of an OpenAPI document that clients rely on, except schemas: paths, methods, parameters, bodies,
//! responses, scopes.
//!
//! Knows how an operation can break its clients, and nothing about files.

use serde_json::{Map, Value};

use super::schemas::{Direction, Schemas};

/// The keys of a path's operations; OpenAPI 3.1 has no key for QUERY.
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
    /// Its display name, such as `GET /v1/users`.
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

/// Every change from `released` to `present` that breaks a client, one line each.
pub(super) fn breaks(released: &Value, present: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for old in operations(released) {
        let name = old.name();
        match present["paths"][old.path].get(old.method) {
            None => found.push(format!("{name} was removed")),
            Some(new) => {
                let mut broken = Broken {
                    schemas: Schemas::new(released, present),
                    schemes: SecuritySchemes { released, present },
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
    schemes: SecuritySchemes<'a>,
    found: Vec<String>,
}

impl<'a> Broken<'a> {
    fn operation(&mut self, old: &'a Value, new: &'a Value) {
        if old["operationId"] != new["operationId"] {
            self.say(format!(
                "operationId, which generated clients use, changed from {} to {}",
                old["operationId"], new["operationId"]
            ));
        }
        if !self.schemes.admit(&old["security"], &new["security"]) {
            self.say("callers lose access: other or more scopes are required");
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
                None => self.say(format!("{name} is no longer accepted")),
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
                None => self.say(format!("a body of {media_type} is no longer accepted")),
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
                self.say(format!("the status {status} is no longer returned"));
                continue;
            };
            for (header, _) in members(&before["headers"]) {
                if after["headers"].get(header).is_none() {
                    self.say(format!("{status} no longer has the header {header}"));
                }
            }
            for (media_type, document) in members(&before["content"]) {
                match after["content"].get(media_type) {
                    None => self.say(format!("{status} is no longer returned as {media_type}")),
                    Some(present) => self.compare(
                        Direction::Response,
                        &format!("{status} ({media_type})"),
                        &document["schema"],
                        &present["schema"],
                    ),
                }
            }
        }
        // Clients must handle an unknown error, but cannot be expected to handle an unknown success.
        for (status, _) in members(new).filter(|(status, _)| status.starts_with(['2', '3'])) {
            if old.get(status).is_none() {
                self.say(format!("the status {status} is new and not an error"));
            }
        }
    }
}

/// The security schemes of the two documents.
struct SecuritySchemes<'a> {
    released: &'a Value,
    present: &'a Value,
}

impl SecuritySchemes<'_> {
    /// Whether every caller that the old requirements admit is admitted by the new ones.
    fn admit(&self, old: &Value, new: &Value) -> bool {
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
                has.iter().any(|(held, has)| {
                    self.are_same(held, scheme)
                        && scopes(wanted)
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

    /// Whether callers do the same for both; the name of a scheme is never sent.
    fn are_same(&self, old: &str, new: &str) -> bool {
        let definition = |document: &Value, name: &str| {
            let scheme = &document["components"]["securitySchemes"][name];
            ["type", "scheme", "in", "name"].map(|member| scheme[member].clone())
        };
        definition(self.released, old) == definition(self.present, new)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
