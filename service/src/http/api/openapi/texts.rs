//! Patterns of the accepted texts, in the subset of regular expressions that every JSON Schema validator supports.
//!
//! The domain decides what is accepted; a pattern may be narrower, never wider, so that what matches is accepted.

use crate::http::api::route::Route;
use serde_json::Value;

/// The format of an address (JSON Schema, 7.3.2): no pattern can say what IDNA makes of a domain.
const EMAIL_FORMAT: &str = "idn-email";
/// No control character, and not only what is invisible (of the characters beyond the first plane, the domain decides).
const TEXT: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb][^\x00-\x1f\x7f-\x9f]*$";
/// E.164.
const PHONE: &str = r"^\+[0-9]{7,15}$";
/// No control character.
const SEARCH: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// base64url (RFC 4648, 5).
const CURSOR: &str = "^[A-Za-z0-9_-]+$";
/// A JSON Pointer (RFC 6901).
const POINTER: &str = "^(/([^~/]|~0|~1)*)*$";

/// The pattern of a member or parameter, by its name.
fn pattern(name: &str) -> Option<&'static str> {
    Some(match name {
        "name" | "title" | "department" => TEXT,
        "phone" => PHONE,
        "q" => SEARCH,
        "cursor" | "after" => CURSOR,
        "path" | "from" => POINTER,
        _ => return None,
    })
}

/// Adds the patterns to what clients send.
pub(super) fn describe(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    for name in ["NewUser", "UserPatch", "ListQuery"] {
        describe_members(&mut schemas[name]);
    }
    let forms = schemas["PatchOperation"]["oneOf"].as_array_mut();
    forms.into_iter().flatten().for_each(describe_members);
    for route in [Route::Users, Route::Changes, Route::Export] {
        let path = route.template();
        let parameters = document["paths"][path]["get"]["parameters"].as_array_mut();
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or("").to_owned();
            describe_text(&name, &mut parameter["schema"]);
        }
    }
}

fn describe_members(schema: &mut Value) {
    let members = schema["properties"].as_object_mut();
    for (name, member) in members.into_iter().flatten() {
        describe_text(name, member);
    }
}

fn describe_text(name: &str, schema: &mut Value) {
    if name == "email" {
        schema["format"] = EMAIL_FORMAT.into();
    } else if let Some(pattern) = pattern(name) {
        schema["pattern"] = pattern.into();
    }
}

#[cfg(test)]
mod tests {
    use super::{CURSOR, PHONE, POINTER, SEARCH, TEXT, pattern};
    use crate::domain::{Label, PhoneNumber, Search};

    /// Texts that are near what is taken, on both sides.
    const TEXTS: [&str; 12] = [
        "",
        "\u{200b}",
        "\u{3164}\u{2800}",
        "a\u{200b}",
        " ",
        "x",
        "\u{0}",
        "\u{9f}a",
        "+442071234567",
        "+123456",
        "442071234567",
        "+1234567890123456",
    ];

    fn fits(pattern: &str, text: &str) -> bool {
        regex::Regex::new(pattern)
            .expect("a pattern")
            .is_match(text)
    }

    #[test]
    fn what_matches_a_pattern_is_accepted_by_the_domain() {
        for text in TEXTS {
            let taken = [
                (TEXT, Label::parse(text).is_ok()),
                (PHONE, PhoneNumber::parse(text).is_some()),
                (
                    SEARCH,
                    text.chars().count() < 2 || Search::parse(text).is_some(),
                ),
            ];
            for (pattern, taken) in taken {
                assert!(taken || !fits(pattern, text), "{text:?} fits {pattern}");
            }
            // The other way round as well.
            assert!(!taken[0].1 || fits(TEXT, text), "{text:?}");
            assert!(!taken[1].1 || fits(PHONE, text), "{text:?}");
        }
    }

    #[test]
    fn cursors_and_pointers_match_nothing_else() {
        assert!(fits(CURSOR, "AZaz09_-") && !fits(CURSOR, "") && !fits(CURSOR, "a="));
        assert!(fits(POINTER, "") && fits(POINTER, "/a~1b/c") && !fits(POINTER, "a"));
        assert!(!fits(POINTER, "/a~2"));
        assert!(pattern("status").is_none());
    }
}
