//! Whether one JSON Schema allows everything that another allows: old requests must still be accepted, and new
//! responses must be valid under the old schema.
//!
//! Supports the part of JSON Schema that the document uses. A change that cannot be decided, such as between two
//! patterns, counts as breaking.

use serde_json::Value;

/// The direction of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the service: it must accept everything that it accepted.
    Request,
    /// To the client: it must receive nothing that the released schema does not allow.
    Response,
}

/// Deeper than any of our documents; stops the recursion of a schema that refers to itself.
const MAX_DEPTH: usize = 24;

/// The two documents whose schemas are compared.
pub(super) struct Schemas<'a> {
    released: &'a Value,
    present: &'a Value,
}

/// A schema with the document that its references point into.
#[derive(Clone, Copy)]
struct Schema<'a> {
    document: &'a Value,
    value: &'a Value,
}

impl<'a> Schema<'a> {
    fn of(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    /// The target of a reference.
    fn resolved(self) -> Self {
        let mut value = self.value;
        for _ in 0..MAX_DEPTH {
            let Some(reference) = value["$ref"].as_str() else {
                break;
            };
            value = self
                .document
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or(&Value::Null);
        }
        self.of(value)
    }

    /// The alternatives that it allows; one, unless it lists several.
    fn forms(self) -> Vec<Self> {
        let schema = self.resolved();
        let several = schema.value.get("oneOf").or(schema.value.get("anyOf"));
        match several.and_then(Value::as_array) {
            Some(forms) => forms
                .iter()
                .flat_map(|form| schema.of(form).forms())
                .collect(),
            None => vec![schema],
        }
    }

    fn get(self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| self.of(value))
    }

    fn types(self) -> Option<Vec<&'a str>> {
        match self.value.get("type")? {
            Value::String(one) => Some(vec![one]),
            Value::Array(several) => Some(several.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }

    fn list(self, name: &str) -> Option<&'a Vec<Value>> {
        self.value.get(name)?.as_array()
    }

    fn properties(self) -> impl Iterator<Item = (&'a String, Self)> {
        let properties = self.value["properties"].as_object();
        properties
            .into_iter()
            .flatten()
            .map(move |(name, value)| (name, self.of(value)))
    }

    fn property(self, name: &str) -> Option<Self> {
        self.get("properties")?.get(name)
    }
}

impl<'a> Schemas<'a> {
    pub(super) fn new(released: &'a Value, present: &'a Value) -> Self {
        Self { released, present }
    }

    /// The changes from `old` to `new` that break clients.
    pub(super) fn differences(
        &self,
        direction: Direction,
        at: &str,
        old: &'a Value,
        new: &'a Value,
    ) -> Vec<String> {
        let old = Schema {
            document: self.released,
            value: old,
        };
        let new = Schema {
            document: self.present,
            value: new,
        };
        let mut comparison = Comparison {
            direction,
            found: Vec::new(),
        };
        comparison.compare(at, old, new, 0);
        comparison.found
    }
}

struct Comparison {
    direction: Direction,
    found: Vec<String>,
}

impl Comparison {
    fn say(&mut self, at: &str, what: &str) {
        self.found.push(format!("{at}: {what}"));
    }

    /// The outer schema must allow everything that the inner one allows. For a request the old one is inner, for a
    /// response the new one.
    fn sides<'a>(&self, old: Schema<'a>, new: Schema<'a>) -> (Schema<'a>, Schema<'a>) {
        match self.direction {
            Direction::Request => (old, new),
            Direction::Response => (new, old),
        }
    }

    fn compare(&mut self, at: &str, old: Schema<'_>, new: Schema<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let (old_forms, new_forms) = (old.forms(), new.forms());
        if let ([old], [new]) = (&old_forms[..], &new_forms[..]) {
            return self.compare_form(at, *old, *new, depth);
        }
        let fits = |old: Schema<'_>, new: Schema<'_>| {
            let mut trial = Self {
                direction: self.direction,
                found: Vec::new(),
            };
            trial.compare_form(at, old, new, depth);
            trial.found.is_empty()
        };
        let (holds, what) = match self.direction {
            Direction::Request => (
                old_forms
                    .iter()
                    .all(|old| new_forms.iter().any(|new| fits(*old, *new))),
                "an alternative is no longer accepted",
            ),
            Direction::Response => (
                new_forms
                    .iter()
                    .all(|new| old_forms.iter().any(|old| fits(*old, *new))),
                "it has an alternative that the release does not have",
            ),
        };
        if !holds {
            self.say(at, what);
        }
    }

    fn compare_form(&mut self, at: &str, old: Schema<'_>, new: Schema<'_>, depth: usize) {
        let (inner, outer) = self.sides(old, new);
        self.types(at, inner, outer);
        self.values(at, inner, outer);
        self.bounds(at, inner, outer);
        self.members(at, old, new, depth);
        if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
            self.compare(&format!("{at}[]"), old, new, depth + 1);
        }
    }

    fn types(&mut self, at: &str, inner: Schema<'_>, outer: Schema<'_>) {
        let Some(allowed) = outer.types() else { return };
        let fits = |kind: &&str| {
            allowed.contains(kind) || (*kind == "integer" && allowed.contains(&"number"))
        };
        if !inner.types().is_some_and(|kinds| kinds.iter().all(fits)) {
            let what = match self.direction {
                Direction::Request => "its type is narrower",
                Direction::Response => "its type is wider",
            };
            self.say(at, what);
        }
    }

    /// Closed lists of values, and keywords that can only be compared for equality.
    fn values(&mut self, at: &str, inner: Schema<'_>, outer: Schema<'_>) {
        if let Some(allowed) = outer.list("enum") {
            let fits = inner
                .list("enum")
                .is_some_and(|values| values.iter().all(|value| allowed.contains(value)));
            if !fits {
                let what = match self.direction {
                    Direction::Request => "a value is no longer accepted",
                    Direction::Response => "it has a value that the release does not have",
                };
                self.say(at, what);
            }
        }
        for name in ["pattern", "format", "const"] {
            let (inner, outer) = (inner.value.get(name), outer.value.get(name));
            if outer.is_some() && inner != outer {
                self.say(at, &format!("its {name} changed"));
            }
        }
    }

    fn bounds(&mut self, at: &str, inner: Schema<'_>, outer: Schema<'_>) {
        for (name, is_upper) in [
            ("minimum", false),
            ("minLength", false),
            ("minItems", false),
            ("maximum", true),
            ("maxLength", true),
            ("maxItems", true),
        ] {
            let number = |schema: Schema<'_>| schema.value.get(name).and_then(Value::as_f64);
            let Some(limit) = number(outer) else { continue };
            let fits =
                number(inner).is_some_and(|own| if is_upper { own <= limit } else { own >= limit });
            if !fits {
                let what = match self.direction {
                    Direction::Request => format!("its {name} is stricter"),
                    Direction::Response => format!("its {name} is laxer"),
                };
                self.say(at, &what);
            }
        }
    }

    fn members(&mut self, at: &str, old: Schema<'_>, new: Schema<'_>, depth: usize) {
        let (inner, outer) = self.sides(old, new);
        for name in outer.list("required").into_iter().flatten() {
            let given = inner
                .list("required")
                .is_some_and(|names| names.contains(name));
            if !given {
                let what = match self.direction {
                    Direction::Request => format!("the member {name} is now required"),
                    Direction::Response => format!("the member {name} may now be missing"),
                };
                self.say(at, &what);
            }
        }
        let is_closed = |schema: Schema<'_>| schema.value["additionalProperties"] == false;
        if is_closed(outer) && !is_closed(inner) {
            let what = match self.direction {
                Direction::Request => "unlisted members are no longer accepted",
                Direction::Response => "it may have unlisted members",
            };
            self.say(at, what);
        }
        for (name, old) in old.properties() {
            match new.property(name) {
                None => self.say(at, &format!("the member {name:?} was removed")),
                Some(new) => self.compare(&format!("{at}/{name}"), old, new, depth + 1),
            }
        }
    }
}
