//! The words, strings and brackets of a filter.

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// A path, an operator, a number or a literal.
    Word(&'a str),
    /// A JSON string, unescaped.
    Text(String),
    /// Nothing follows.
    End,
}

/// A token, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed<'a> {
    /// The token.
    pub(super) token: Token<'a>,
    /// Where it starts, in bytes.
    pub(super) start: usize,
}

/// Splits a filter into tokens.
pub(super) struct Tokens<'a> {
    raw: &'a str,
    at: usize,
    next: Option<Placed<'a>>,
}

/// A string that JSON does not allow; it starts at this byte.
pub(super) struct BadString(pub(super) usize);

impl<'a> Tokens<'a> {
    /// The tokens of this text.
    pub(super) fn new(raw: &'a str) -> Self {
        Self {
            raw,
            at: 0,
            next: None,
        }
    }

    /// The next token; it stays the next.
    pub(super) fn peek(&mut self) -> Result<&Placed<'a>, BadString> {
        let next = match self.next.take() {
            Some(next) => next,
            None => self.read()?,
        };
        Ok(self.next.insert(next))
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Result<Placed<'a>, BadString> {
        match self.next.take() {
            Some(next) => Ok(next),
            None => self.read(),
        }
    }

    fn read(&mut self) -> Result<Placed<'a>, BadString> {
        let rest = &self.raw[self.at..];
        let trimmed = rest.trim_start_matches(|found: char| found.is_ascii_whitespace());
        let start = self.raw.len() - trimmed.len();
        let (token, length) = match trimmed.as_bytes().first() {
            None => (Token::End, 0),
            Some(b'(') => (Token::Open, 1),
            Some(b')') => (Token::Close, 1),
            Some(b'[') => (Token::OpenBracket, 1),
            Some(b']') => (Token::CloseBracket, 1),
            Some(b'"') => {
                let length = length_of_string(trimmed).ok_or(BadString(start))?;
                let text =
                    serde_json::from_str(&trimmed[..length]).map_err(|_| BadString(start))?;
                (Token::Text(text), length)
            }
            Some(_) => {
                let length = trimmed.find(ends_word).unwrap_or(trimmed.len());
                (Token::Word(&trimmed[..length]), length)
            }
        };
        self.at = start + length;
        Ok(Placed { token, start })
    }
}

fn ends_word(found: char) -> bool {
    found.is_ascii_whitespace() || matches!(found, '(' | ')' | '[' | ']' | '"')
}

/// The length of the JSON string at the start, with its quotes, in bytes.
fn length_of_string(raw: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in raw.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
