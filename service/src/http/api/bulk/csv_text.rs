//! Users as CSV (RFC 4180): a header row, fields in quotes where they need them, lines that end with CRLF.

use crate::domain::{Label, PhoneNumber, User};

/// The columns, in their order: those of the JSON.
pub(super) const COLUMNS: [&str; 9] = [
    "id",
    "email",
    "name",
    "phone",
    "title",
    "department",
    "status",
    "created_at",
    "updated_at",
];

/// Appends the header row.
pub(super) fn write_header(out: &mut Vec<u8>) {
    out.extend_from_slice(COLUMNS.join(",").as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends a user. With `formula_safe`, no field is one that a spreadsheet takes for a formula.
pub(super) fn write_user(out: &mut Vec<u8>, user: &User, formula_safe: bool) {
    let profile = &user.profile;
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(user.id.0.hyphenated().encode_lower(&mut id).as_bytes());
    for text in [
        Some(profile.email.as_str()),
        Some(profile.name.as_str()),
        profile.phone.as_ref().map(PhoneNumber::as_str),
        profile.title.as_ref().map(Label::as_str),
        profile.department.as_ref().map(Label::as_str),
        Some(profile.status.as_str()),
    ] {
        out.push(b',');
        write_field(out, text.unwrap_or(""), formula_safe);
    }
    for at in [user.created_at, user.updated_at] {
        out.push(b',');
        out.extend_from_slice(&at.rfc3339());
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends a field.
fn write_field(out: &mut Vec<u8>, text: &str, formula_safe: bool) {
    let is_formula = formula_safe && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_quoted = memchr::memchr3(b',', b'"', b'\n', text.as_bytes()).is_some()
        || text.contains('\r')
        || text.starts_with(' ')
        || text.ends_with(' ');
    if is_quoted {
        out.push(b'"');
    }
    if is_formula {
        out.push(b'\'');
    }
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    if is_quoted {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::write_field;

    fn field(text: &str, formula_safe: bool) -> String {
        let mut out = Vec::new();
        write_field(&mut out, text, formula_safe);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_are_quoted_where_they_need_it() {
        for (text, written) in [
            ("", ""),
            ("Ada", "Ada"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a\nb", "\"a\nb\""),
            (" a", "\" a\""),
            ("=1+1", "=1+1"),
        ] {
            assert_eq!(field(text, false), written, "{text:?}");
        }
    }

    #[test]
    fn what_a_spreadsheet_would_calculate_is_text_on_request() {
        for text in ["=1+1", "+442071234567", "-1", "@SUM(A1)"] {
            assert_eq!(field(text, true), format!("'{text}"));
        }
        assert_eq!(field("=a,b", true), "\"'=a,b\"");
        assert_eq!(field("Ada", true), "Ada");
    }
}
