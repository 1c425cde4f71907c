//! Which value of a record becomes which field of a user: by the format, and by what `--map` says.

use super::failure::BulkError;
use super::refused::REASON;
use super::sources::{Format, SourceRecord};
use serde_json::{Map, Value};

/// The fields of a user that can be set.
const FIELDS: [&str; 6] = ["email", "name", "phone", "title", "department", "status"];
/// What exports have beside them.
const LEFT_OUT: [&str; 3] = ["id", "created_at", "updated_at"];

/// Where each field comes from: paths into a record, the first that has a value.
const LDIF: [(&str, &[&str]); 5] = [
    ("email", &["mail"]),
    ("name", &["displayname", "cn"]),
    ("phone", &["telephonenumber", "mobile"]),
    ("title", &["title"]),
    ("department", &["departmentnumber", "department", "ou"]),
];
const KEYCLOAK: [(&str, &[&str]); 5] = [
    ("email", &["email"]),
    ("name", &["firstName+lastName", "username"]),
    ("phone", &["attributes.phoneNumber", "attributes.phone"]),
    ("title", &["attributes.title"]),
    ("department", &["attributes.department"]),
];
const AUTH0: [(&str, &[&str]); 5] = [
    ("email", &["email", "Email"]),
    (
        "name",
        &[
            "name",
            "Name",
            "given_name+family_name",
            "nickname",
            "Nickname",
        ],
    ),
    ("phone", &["phone_number", "Phone Number"]),
    ("title", &["user_metadata.title"]),
    ("department", &["user_metadata.department"]),
];
const OKTA: [(&str, &[&str]); 5] = [
    ("email", &["profile.email", "email"]),
    (
        "name",
        &[
            "profile.displayName",
            "profile.firstName+profile.lastName",
            "displayName",
            "firstName+lastName",
        ],
    ),
    (
        "phone",
        &[
            "profile.mobilePhone",
            "profile.primaryPhone",
            "mobilePhone",
            "primaryPhone",
        ],
    ),
    ("title", &["profile.title", "title"]),
    ("department", &["profile.department", "department"]),
];

/// Makes users of records.
pub(super) struct Mapping {
    format: Format,
    /// The source of a field, as `--map` gives it.
    given: Vec<(String, &'static str)>,
    ignored: Vec<String>,
}

impl Mapping {
    /// A mapping for `format`; each of `given` is `SOURCE=FIELD`.
    pub(super) fn new(
        format: Format,
        given: &[String],
        ignored: &[String],
    ) -> Result<Self, BulkError> {
        let given = given.iter().map(|pair| {
            let (source, field) = pair.rsplit_once('=').unwrap_or((pair, ""));
            let known = FIELDS.into_iter().find(|known| *known == field);
            let known = known.filter(|_| !source.is_empty());
            known
                .map(|field| (source.to_owned(), field))
                .ok_or_else(|| {
                    let what = format!("--map {pair} names no field of a user");
                    let next = format!(
                        "write it as mail=email; the fields are {}",
                        FIELDS.join(", ")
                    );
                    BulkError::usage(what, next)
                })
        });
        Ok(Self {
            format,
            given: given.collect::<Result<_, _>>()?,
            ignored: ignored.to_vec(),
        })
    }

    /// The user of a record; `None` for one that is not a user, such as a unit of a directory.
    pub(super) fn user(
        &self,
        record: &SourceRecord,
    ) -> Result<Option<Map<String, Value>>, BulkError> {
        let values = &record.values;
        let mut user = Map::new();
        match self.format {
            Format::Csv | Format::Jsonl => self.take_named(record, &mut user)?,
            Format::Ldif => {
                take(&LDIF, values, &mut user);
                if !user.contains_key("email") && self.given.iter().all(|(_, to)| *to != "email") {
                    return Ok(None);
                }
            }
            Format::Keycloak => {
                take(&KEYCLOAK, values, &mut user);
                suspend_if(
                    &mut user,
                    values.get("enabled") == Some(&Value::Bool(false)),
                );
            }
            Format::Auth0 => {
                take(&AUTH0, values, &mut user);
                suspend_if(&mut user, values.get("blocked") == Some(&Value::Bool(true)));
            }
            Format::Okta => {
                take(&OKTA, values, &mut user);
                let status = values.get("status").and_then(Value::as_str).unwrap_or("");
                suspend_if(&mut user, ["SUSPENDED", "DEPROVISIONED"].contains(&status));
            }
        }
        for (source, field) in &self.given {
            match text_at(values, source) {
                Some(text) => drop(user.insert((*field).to_owned(), text.into())),
                None => drop(user.remove(*field)),
            }
        }
        if !matches!(self.format, Format::Jsonl)
            && let Some(Value::String(phone)) = user.get_mut("phone")
        {
            // As people write them: +44 (20) 7123-4567.
            phone.retain(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}'));
        }
        Ok(Some(user))
    }

    /// Takes the fields of a user by their own names; other names have to be mapped or ignored.
    fn take_named(
        &self,
        record: &SourceRecord,
        user: &mut Map<String, Value>,
    ) -> Result<(), BulkError> {
        for (name, value) in &record.values {
            let is_mapped = self.given.iter().any(|(source, _)| source == name);
            let is_known = FIELDS.contains(&name.as_str());
            if is_known && !is_mapped {
                // CSV does not know a value that is not there from an empty one.
                let is_empty = self.format == Format::Csv && value.as_str() == Some("");
                if !is_empty {
                    user.insert(name.clone(), value.clone());
                }
            } else if !is_mapped
                && !LEFT_OUT.contains(&name.as_str())
                && name != REASON
                && !self.ignored.contains(name)
            {
                let what = format!("'{name}' is not a field of a user (line {})", record.place);
                let next = format!(
                    "map it (--map '{name}=FIELD') or leave it out (--ignore '{name}'); the fields are {}",
                    FIELDS.join(", ")
                );
                return Err(BulkError::usage(what, next));
            }
        }
        Ok(())
    }
}

fn take(sources: &[(&str, &[&str])], values: &Map<String, Value>, user: &mut Map<String, Value>) {
    for (field, paths) in sources {
        if let Some(text) = paths.iter().find_map(|path| text_at(values, path)) {
            user.insert((*field).to_owned(), text.into());
        }
    }
}

fn suspend_if(user: &mut Map<String, Value>, is_suspended: bool) {
    if is_suspended {
        user.insert("status".to_owned(), "suspended".into());
    }
}

/// The text at a path: a name, or names with dots between them; the texts at several, with `+` between them. Of a list,
/// its first. `None` when it is empty.
fn text_at(values: &Map<String, Value>, path: &str) -> Option<String> {
    if let Some(value) = values.get(path) {
        return text_of(value);
    }
    if path.contains('+') {
        let parts: Vec<String> = path
            .split('+')
            .filter_map(|part| text_at(values, part))
            .collect();
        return (!parts.is_empty()).then(|| parts.join(" "));
    }
    let (first, rest) = path.split_once('.')?;
    match values.get(first)? {
        Value::Object(inner) => text_at(inner, rest),
        _ => None,
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        Value::Array(items) => items.first().and_then(text_of),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Mapping;
    use crate::bulk_client::sources::{Format, SourceRecord};
    use serde_json::{Value, json};

    fn user(format: Format, map: &[&str], values: Value) -> Value {
        let map: Vec<String> = map.iter().map(|pair| (*pair).to_owned()).collect();
        let mapping = Mapping::new(format, &map, &["shoe".to_owned()]).unwrap();
        let Value::Object(values) = values else {
            panic!("an object")
        };
        let user = mapping.user(&SourceRecord { place: 1, values });
        user.map_or_else(
            |error| Value::from(error.to_string()),
            |user| user.map_or(Value::Null, Value::Object),
        )
    }

    #[test]
    fn the_exports_of_other_directories_are_understood() {
        let ada =
            json!({"email": "ada@example.com", "name": "Ada Lovelace", "status": "suspended"});
        let keycloak = json!({"username": "ada", "email": "ada@example.com", "firstName": "Ada",
            "lastName": "Lovelace", "enabled": false, "attributes": {"locale": ["en"]}});
        assert_eq!(user(Format::Keycloak, &[], keycloak), ada);
        let okta = json!({"id": "00u1", "status": "SUSPENDED",
            "profile": {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com", "mobilePhone": null}});
        assert_eq!(user(Format::Okta, &[], okta), ada);
        let auth0 = json!({"user_id": "auth0|1", "email": "ada@example.com", "name": "Ada Lovelace", "blocked": true});
        assert_eq!(user(Format::Auth0, &[], auth0), ada);
        let ldif = json!({"dn": "uid=ada", "mail": "ada@example.com", "cn": "Ada Lovelace", "telephonenumber": "+44 (20) 7123-4567"});
        let expected =
            json!({"email": "ada@example.com", "name": "Ada Lovelace", "phone": "+442071234567"});
        assert_eq!(user(Format::Ldif, &[], ldif), expected);
        assert_eq!(
            user(
                Format::Ldif,
                &[],
                json!({"dn": "ou=people", "ou": "people"})
            ),
            Value::Null
        );
    }

    #[test]
    fn columns_are_mapped_ignored_or_refused() {
        let row = json!({"mail": "a@example.com", "name": "A", "shoe": "9", "title": "", "_refused": "x"});
        let expected = json!({"email": "a@example.com", "name": "A"});
        assert_eq!(user(Format::Csv, &["mail=email"], row.clone()), expected);
        let refused = user(Format::Csv, &[], row);
        assert!(refused.as_str().unwrap().contains("'mail'"), "{refused}");
        let row = json!({"name": "Account", "display": "A", "email": "a@example.com"});
        let mapped = user(Format::Jsonl, &["display=name"], row);
        assert_eq!(mapped["name"], "A");
        assert!(Mapping::new(Format::Csv, &["mail=shoe".to_owned()], &[]).is_err());
    }
}
