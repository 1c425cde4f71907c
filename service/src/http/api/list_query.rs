//! What a list is asked for, in a URL or in the body of QUERY (RFC 10008), as a page request of the domain.

use super::cursor::CursorSeal;
use crate::domain::{Cursor, EmailAddress, Filters, Label, PageRequest, Search, Sort, UserStatus};
use crate::http::problem::{Problem, ProblemKind};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;

const DEFAULT_LIMIT: u8 = 50;
const MAX_LIMIT: u8 = 200;
const NAMES: [&str; 7] = [
    "limit",
    "cursor",
    "sort",
    "email",
    "department",
    "status",
    "q",
];

/// The parameters as they came, each at most once and none empty.
#[derive(Default)]
pub(super) struct Parameters<'a>([Option<Cow<'a, str>>; NAMES.len()]);

fn invalid(name: &str, why: &str) -> Problem {
    ProblemKind::InvalidQuery.with_detail(format!("the parameter '{name}' {why}"))
}

/// Splits a query string into decoded pairs.
pub(in crate::http) fn pairs(
    query: &str,
) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), Problem>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| {
                ProblemKind::InvalidQuery.with_detail("the name of a parameter is not UTF-8")
            })?;
            let value = decode(value).ok_or_else(|| invalid(&name, "is not UTF-8"))?;
            Ok((name, value))
        })
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode_str(&spaced)
            .decode_utf8()
            .ok()
            .map(|decoded| Cow::Owned(decoded.into_owned()));
    }
    percent_decode_str(text).decode_utf8().ok()
}

impl<'a> Parameters<'a> {
    /// From the query component of a URL.
    pub(super) fn from_url(query: &'a str) -> Result<Self, Problem> {
        let mut parameters = Self::default();
        for pair in pairs(query) {
            let (name, value) = pair?;
            parameters.set(&name, value)?;
        }
        Ok(parameters)
    }

    /// From the JSON body of QUERY.
    pub(super) fn from_json(body: Value) -> Result<Self, Problem> {
        let Value::Object(members) = body else {
            return Err(ProblemKind::InvalidQuery
                .with_detail("the body must be a JSON object with the parameters of the query"));
        };
        let mut parameters = Self::default();
        for (name, value) in members {
            match value {
                Value::String(text) => parameters.set(&name, Cow::Owned(text))?,
                Value::Number(number) if name == "limit" => {
                    // JSON knows no integers: 5.0 is the number 5.
                    let whole = number.as_f64().filter(|value| value.fract() == 0.0);
                    let text = whole.map_or_else(|| number.to_string(), |value| value.to_string());
                    parameters.set(&name, Cow::Owned(text))?;
                }
                _ if name == "limit" => return Err(invalid("limit", "must be a number")),
                _ => {
                    parameters.set(&name, Cow::Borrowed("?"))?;
                    return Err(invalid(&name, "must be a string"));
                }
            }
        }
        Ok(parameters)
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// 400 when it is unknown, empty or given twice.
    pub(super) fn set(&mut self, name: &str, value: Cow<'a, str>) -> Result<(), Problem> {
        let Some(at) = NAMES.iter().position(|known| *known == name) else {
            return Err(invalid(
                name,
                &format!("is unknown; the parameters are {}", NAMES.join(", ")),
            ));
        };
        if value.is_empty() {
            return Err(invalid(name, "is empty"));
        }
        if self.0[at].replace(value).is_some() {
            return Err(invalid(name, "is given twice"));
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let at = NAMES.iter().position(|known| *known == name)?;
        self.0[at].as_deref()
    }

    fn read<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        wanted: &str,
    ) -> Result<Option<T>, Problem> {
        self.get(name)
            .map(|raw| parse(raw).ok_or_else(|| invalid(name, wanted)))
            .transpose()
    }

    /// Reads those that say which users are wanted.
    pub(super) fn read_filters(&self) -> Result<Filters, Problem> {
        Ok(Filters {
            email: self.read(
                "email",
                |raw| EmailAddress::parse(raw).ok(),
                "must be one e-mail address",
            )?,
            department: self.read(
                "department",
                |raw| Label::parse(raw).ok(),
                "must have 1 to 100 characters",
            )?,
            status: self.read("status", UserStatus::parse, "must be active or suspended")?,
            search: self.read(
                "q",
                Search::parse,
                "must have 2 to 100 characters and no control characters",
            )?,
        })
    }

    /// Reads all of them.
    pub(super) fn read_page_request(&self, seal: &CursorSeal) -> Result<PageRequest, Problem> {
        let limit = self
            .read("limit", parse_limit, "must be an integer from 1 to 200")?
            .unwrap_or(DEFAULT_LIMIT);
        let orders = "must be created_at, name or email, optionally preceded by '-'";
        let sort = self.read("sort", Sort::parse, orders)?.unwrap_or_default();
        let filters = self.read_filters()?;
        let context = context(&filters, sort);
        let stale = "is not a cursor of this query; take it from 'next' and leave the other parameters unchanged";
        let after = self.read("cursor", |raw| seal.open(&context, raw), stale)?;
        Ok(PageRequest {
            filters,
            sort,
            after,
            limit,
        })
    }
}

/// Reads a whole number from 1 to 200.
pub(super) fn parse_limit(raw: &str) -> Option<u8> {
    let plain = raw.bytes().all(|b| b.is_ascii_digit());
    raw.parse()
        .ok()
        .filter(|limit| plain && (1..=MAX_LIMIT).contains(limit))
}

/// The cursor of the page behind, bound to the list that `context` stands for.
pub(in crate::http) fn seal(
    cursors: &CursorSeal,
    context: &[u8],
    next: &Cursor,
) -> Result<String, Problem> {
    let unsealed = || ProblemKind::Internal.with_detail("the cursor could not be sealed");
    cursors.seal(context, next).ok_or_else(unsealed)
}

/// Everything that decides which users come in which order: what a cursor is bound to.
pub(in crate::http) fn context(filters: &Filters, sort: Sort) -> Vec<u8> {
    let mut context = sort.as_str().to_owned();
    let email = filters.email.as_ref().map(EmailAddress::key);
    let parts = [
        ("email", email.as_deref()),
        ("department", filters.department.as_ref().map(Label::as_str)),
        ("status", filters.status.map(UserStatus::as_str)),
        ("q", filters.search.as_ref().map(Search::as_str)),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            // No value holds a control character, so no two queries have one context.
            let _ = write!(context, "\n{name}={value}");
        }
    }
    context.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::Parameters;
    use crate::http::api::cursor::CursorSeal;
    use serde_json::json;

    fn refused(query: &str) -> String {
        let seal = CursorSeal::new(&[1; 32]).unwrap();
        let outcome = Parameters::from_url(query).and_then(|p| p.read_page_request(&seal));
        format!("{:?}", outcome.expect_err(query))
    }

    #[test]
    fn every_bad_parameter_is_named() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=+5", "limit"),
            ("limit=1&limit=1", "limit"),
            ("limit=", "limit"),
            ("sort=id", "sort"),
            ("email=ada", "email"),
            ("department=%20", "department"),
            ("status=gone", "status"),
            ("q=a", "q"),
            ("cursor=AAAA", "cursor"),
            ("page=2", "page"),
            ("q=%ff", "q"),
            ("q", "q"),
        ] {
            assert!(
                refused(query).contains(&format!("'{name}'")),
                "{query}: {}",
                refused(query)
            );
        }
    }

    #[test]
    fn a_whole_number_is_one_however_json_writes_it() {
        let seal = CursorSeal::new(&[1; 32]).unwrap();
        let limit = |text: &str| {
            let body = serde_json::from_str(text).unwrap();
            let parameters = Parameters::from_json(body).unwrap();
            parameters.read_page_request(&seal).map(|page| page.limit)
        };
        for text in [r#"{"limit":12}"#, r#"{"limit":12.0}"#, r#"{"limit":1.2e1}"#] {
            assert_eq!(limit(text).ok(), Some(12), "{text}");
        }
        for text in [
            r#"{"limit":12.5}"#,
            r#"{"limit":-1.0}"#,
            r#"{"limit":1e300}"#,
            r#"{"limit":0.0}"#,
        ] {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_body_and_a_url_ask_the_same() {
        let seal = CursorSeal::new(&[1; 32]).unwrap();
        let url = Parameters::from_url("limit=5&q=ada+l&status=active&sort=-name").unwrap();
        let body = Parameters::from_json(
            json!({"limit": 5, "q": "ada l", "status": "active", "sort": "-name"}),
        )
        .unwrap();
        assert_eq!(
            url.read_page_request(&seal).unwrap(),
            body.read_page_request(&seal).unwrap()
        );
    }
}
