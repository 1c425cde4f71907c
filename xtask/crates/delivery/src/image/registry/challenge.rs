//! `WWW-Authenticate` of a registry (RFC 9110, section 11.6.1; the distribution specification's token flow).

/// How a registry wants to be asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// The user's name and password.
    Basic,
    /// A token, fetched from `realm` for `service` and `scopes`.
    Bearer {
        realm: String,
        service: Option<String>,
        scopes: Vec<String>,
    },
}

/// The best of the challenges in these field values: a token where one is offered. `None` when none is understood.
pub(super) fn choose<'a>(fields: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut found = None;
    for (scheme, parameters) in fields.flat_map(challenges) {
        let parameter = |name: &str| {
            let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
            parameters
                .iter()
                .find(named)
                .map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            if let Some(realm) = parameter("realm") {
                let scope = parameter("scope").unwrap_or_default();
                return Some(Challenge::Bearer {
                    realm,
                    service: parameter("service"),
                    scopes: scope.split_ascii_whitespace().map(str::to_owned).collect(),
                });
            }
        } else if scheme.eq_ignore_ascii_case("basic") {
            found = Some(Challenge::Basic);
        }
    }
    found
}

type Parameters = Vec<(String, String)>;

/// Splits a field value into its challenges. A comma separates both challenges and parameters: a word that is
/// followed by a space and no `=` begins a challenge.
fn challenges(field: &str) -> Vec<(String, Parameters)> {
    let mut all: Vec<(String, Parameters)> = Vec::new();
    let mut rest = field.trim_start_matches([' ', ',', '\t']);
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',']).unwrap_or(rest.len());
        let word = &rest[..end];
        let after = rest[end..].trim_start();
        if let Some(value) = after.strip_prefix('=').map(str::trim_start) {
            let (value, left) = parameter_value(value);
            if let Some((_, parameters)) = all.last_mut() {
                parameters.push((word.to_owned(), value));
            }
            rest = left;
        } else {
            all.push((word.to_owned(), Vec::new()));
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
    }
    all
}

/// A token, or a quoted string with its escapes undone, and what follows it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::{Challenge, choose};

    fn bearer(realm: &str, service: Option<&str>, scopes: &[&str]) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scopes: scopes.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn challenges_are_read_in_every_valid_spelling() {
        let realm = "https://auth.example/token";
        for (fields, expected) in [
            (
                vec![
                    r#"Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push""#,
                ],
                Some(bearer(
                    realm,
                    Some("registry"),
                    &["repository:a/b:pull,push"],
                )),
            ),
            (
                vec![r#"bearer scope="a b" , realm = "https://auth.example/token""#],
                Some(bearer(realm, None, &["a", "b"])),
            ),
            (
                vec![r#"Basic realm="x", Bearer realm="https://auth.example/token",service=r"#],
                Some(bearer(realm, Some("r"), &[])),
            ),
            (
                vec![r#"BASIC realm="a \"b\"""#, "Negotiate"],
                Some(Challenge::Basic),
            ),
            (vec!["Negotiate"], None),
            (vec![r#"Bearer error="x"#], None),
            (vec![""], None),
        ] {
            assert_eq!(choose(fields.iter().copied()), expected, "{fields:?}");
        }
    }
}
