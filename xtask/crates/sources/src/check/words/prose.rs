//! The prose of a file as words with their lines. Knows file formats, and nothing about the word list.

/// A word in lower case; an empty one ends a sentence or a paragraph.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) word: String,
}

/// The endings of the files that are read.
pub(super) const KINDS: &[&str] = &["md", "rs", "yml", "yaml", "tf", "tpl", "toml", "sql", "sh"];

/// The prose of a file, by its ending.
pub(super) fn read(file: &str, text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let ending = file.rsplit('.').next();
    let is_rust = ending == Some("rs");
    let is_markdown = ending == Some("md");
    let mut in_fence = false;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let trimmed = line.trim_start();
        let fence = if is_rust {
            comment_text(trimmed).unwrap_or_default()
        } else {
            trimmed
        };
        if (is_rust || is_markdown) && fence.trim_start().starts_with("```") {
            in_fence = !in_fence;
            end(&mut tokens, number);
            continue;
        }
        if in_fence {
            continue;
        }
        if is_rust {
            rust_line(&mut tokens, number, trimmed);
        } else if line.trim().is_empty() {
            end(&mut tokens, number);
        } else {
            let text = if is_markdown {
                trimmed
            } else {
                trimmed.trim_start_matches(['#', ' '])
            };
            words(&mut tokens, number, text);
        }
    }
    tokens
}

fn comment_text(line: &str) -> Option<&str> {
    let text = line.strip_prefix("//")?;
    Some(text.trim_start_matches(['/', '!']))
}

/// A comment line, or the literals and the comment of a line of code.
fn rust_line(tokens: &mut Vec<Token>, number: usize, line: &str) {
    if let Some(text) = comment_text(line) {
        if text.trim().is_empty() {
            end(tokens, number);
        }
        words(tokens, number, text);
        return;
    }
    end(tokens, number);
    let mut rest = line;
    while let Some(quote) = rest.find(['"', '/']) {
        let (code, from) = rest.split_at(quote);
        if let Some(comment) = from.strip_prefix("//") {
            words(tokens, number, comment);
            break;
        }
        if from.starts_with('/') || code.ends_with('\'') {
            rest = &from[1..];
            continue;
        }
        let literal = &from[1..];
        let length = literal_length(literal);
        words(tokens, number, &literal[..length]);
        end(tokens, number);
        rest = literal.get(length + 1..).unwrap_or_default();
    }
}

/// The length of a literal up to its closing quote, or to the end of the line.
fn literal_length(literal: &str) -> usize {
    let mut escaped = false;
    for (index, c) in literal.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index,
            _ => {}
        }
    }
    literal.len()
}

/// Adds the words of a line; text between backticks is code.
fn words(tokens: &mut Vec<Token>, line: usize, text: &str) {
    for (index, piece) in text.split('`').enumerate() {
        if index % 2 == 1 {
            tokens.push(Token {
                line,
                word: "`".into(),
            });
            continue;
        }
        for part in piece.split_inclusive(['.', '!', '?', ';', ':', '|', '(', ')']) {
            let split =
                part.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '\'')));
            for word in split.filter(|word| !word.is_empty()) {
                tokens.push(Token {
                    line,
                    word: word.to_lowercase(),
                });
            }
            if part.ends_with(['.', '!', '?', ';', ':', '|', '(', ')']) {
                end(tokens, line);
            }
        }
    }
}

fn end(tokens: &mut Vec<Token>, line: usize) {
    tokens.push(Token {
        line,
        word: String::new(),
    });
}
