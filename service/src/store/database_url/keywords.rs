//! The notation `name = value name = 'value'` of connection strings. Must not know which names there are.

use super::DatabaseUrlError;

/// `name = value` pairs: values in single quotes may hold spaces, a backslash escapes the next character.
pub(super) fn keywords(raw: &str) -> Result<Vec<(String, String)>, DatabaseUrlError> {
    let mut pairs = Vec::new();
    let mut rest = raw.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once('=')
            .ok_or_else(|| super::syntax("an option has no '='"))?;
        let name = name.trim_end();
        if name.contains(char::is_whitespace) {
            return Err(super::syntax("an option has no '='"));
        }
        let after = after.trim_start();
        let quoted = after.strip_prefix('\'');
        let mut characters = quoted.unwrap_or(after).char_indices();
        let mut value = String::new();
        let mut end = None;
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                '\'' if quoted.is_some() => {
                    end = Some(at + 1);
                    break;
                }
                space if quoted.is_none() && space.is_whitespace() => {
                    end = Some(at);
                    break;
                }
                other => value.push(other),
            }
        }
        let text = quoted.unwrap_or(after);
        if quoted.is_some() && end.is_none() {
            return Err(super::syntax("a quoted value does not end"));
        }
        rest = text[end.unwrap_or(text.len())..].trim_start();
        pairs.push((name.to_owned(), value));
    }
    Ok(pairs)
}
