//! Patterns of the accepted texts, in the subset of regular expressions that every JSON Schema validator supports.
//!
//! The domain decides what is accepted; a pattern may be narrower, never wider, so that what matches is accepted.

use crate::http::api::route::Route;
use serde_json::Value;

/// A dot-atom, '@', and two or more labels, the last of which does not begin with a digit. Unicode is welcome.
const EMAIL: &str = r#"^[^\s@\x00-\x1f\x7f-\x9f"(),:;<>\[\]\\.]+(\.[^\s@\x00-\x1f\x7f-\x9f"(),:;<>\[\]\\.]+)*@([^\x00-/:-@\[-`{-\x9f\s]([^\x00-,./:-@\[-`{-\x9f\s]{0,61}[^\x00-/:-@\[-`{-\x9f\s])?\.)+[^\x00-@\[-`{-\x9f\s]([^\x00-,./:-@\[-`{-\x9f\s]{0,61}[^\x00-/:-@\[-`{-\x9f\s])?$"#;
/// No control character, and not spaces alone.
const TEXT: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
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
        "email" => EMAIL,
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
    for path in [Route::Users.template(), Route::Changes.template()] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array_mut();
        for parameter in parameters.into_iter().flatten() {
            let known = parameter["name"].as_str().and_then(pattern);
            if let Some(pattern) = known {
                parameter["schema"]["pattern"] = pattern.into();
            }
        }
    }
}

fn describe_members(schema: &mut Value) {
    let members = schema["properties"].as_object_mut();
    for (name, member) in members.into_iter().flatten() {
        if let Some(pattern) = pattern(name) {
            member["pattern"] = pattern.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CURSOR, EMAIL, PHONE, POINTER, SEARCH, TEXT, pattern};
    use crate::domain::{EmailAddress, Label, PhoneNumber, Search};

    /// Texts on both sides of the border.
    const TEXTS: [&str; 28] = [
        "ada@example.com",
        "Ada.Lovelace@Example.COM",
        "j\u{f6}rg@m\u{fc}ller.example",
        "a@b.c",
        "a@xn--p1ai.xn--p1ai",
        "a@b",
        "a@b.1c",
        "a@b.12",
        "a..b@c.de",
        ".a@b.cd",
        "a@-b.cd",
        "a@b-.cd",
        "a@b..cd",
        "a b@c.de",
        "a@b@c.de",
        "\"a\"@b.cd",
        "a@[127.0.0.1]",
        "a\u{7f}@b.cd",
        "a@b.c\u{85}d",
        "",
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
                (EMAIL, EmailAddress::parse(text).is_ok()),
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
            // The other way round with one exception, for which a pattern would need to look ahead.
            let exempt = text == "a@b.1c";
            assert!(exempt || !taken[0].1 || fits(EMAIL, text), "{text:?}");
            assert!(!taken[1].1 || fits(TEXT, text), "{text:?}");
            assert!(!taken[2].1 || fits(PHONE, text), "{text:?}");
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
