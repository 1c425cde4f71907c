//! The grammar of filters: `or` binds weaker than `and`, `and` weaker than `not`.

use super::super::attribute::Attribute;
use super::super::error::{ScimError, ScimType, excerpt};
use super::super::path::{AttributePath, is_name};
use super::comparison::{literal, mismatch};
use super::tokens::{BadString, Placed, Token, Tokens};
use super::{Filter, FilteredPath, MAX_FILTER_BYTES, MAX_FILTER_DEPTH, Operator};

/// Reads a whole filter.
pub(super) fn parse(raw: &str) -> Result<Filter, ScimError> {
    let mut parser = Parser::new(raw)?;
    let filter = parser.any_of()?;
    parser.end()?;
    Ok(filter)
}

/// Reads `attribute[filter].sub`.
pub(super) fn parse_filtered_path(raw: &str) -> Result<FilteredPath, ScimError> {
    let mut parser = Parser::new(raw)?;
    let first = parser.take()?;
    let Token::Word(word) = first.token else {
        return Err(parser.fault(first.start, "an attribute is expected"));
    };
    let path = AttributePath::parse(word)?;
    let (filter, sub) = parser.value_filter(&path)?;
    parser.end()?;
    Ok(FilteredPath {
        path,
        filter,
        sub: sub.map(str::to_owned),
    })
}

/// What the paths of a filter are relative to.
#[derive(Clone, Copy)]
enum Scope {
    Resource,
    /// A value of this attribute; `None` when it is not declared.
    Value(Option<&'static Attribute>),
}

struct Parser<'a> {
    raw: &'a str,
    tokens: Tokens<'a>,
    depth: usize,
    scope: Scope,
}

impl<'a> Parser<'a> {
    fn new(raw: &'a str) -> Result<Self, ScimError> {
        if raw.len() > MAX_FILTER_BYTES {
            return Err(ScimError::new(
                ScimType::InvalidFilter,
                format!("The filter is longer than {MAX_FILTER_BYTES} bytes."),
            ));
        }
        Ok(Self {
            raw,
            tokens: Tokens::new(raw),
            depth: 0,
            scope: Scope::Resource,
        })
    }

    fn any_of(&mut self) -> Result<Filter, ScimError> {
        let first = self.all_of()?;
        let mut parts = vec![first];
        while self.skip_word("or")? {
            parts.push(self.all_of()?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn all_of(&mut self) -> Result<Filter, ScimError> {
        let first = self.operand()?;
        let mut parts = vec![first];
        while self.skip_word("and")? {
            parts.push(self.operand()?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn operand(&mut self) -> Result<Filter, ScimError> {
        let Placed { token, start } = self.take()?;
        match token {
            Token::Open => self.group(start),
            Token::Word(word) if word.eq_ignore_ascii_case("not") => {
                let Placed { token, start } = self.take()?;
                if token != Token::Open {
                    return Err(self.fault(start, "an opening parenthesis is expected after not"));
                }
                Ok(Filter::Not(Box::new(self.group(start)?)))
            }
            Token::Word(word) => self.expression(word, start),
            Token::End => Err(self.fault(start, "an attribute is expected")),
            _ => Err(self.fault(
                start,
                "an attribute, not or an opening parenthesis is expected",
            )),
        }
    }

    /// What follows an opening parenthesis, with the closing one.
    fn group(&mut self, start: usize) -> Result<Filter, ScimError> {
        self.enter(start)?;
        let filter = self.any_of()?;
        self.depth -= 1;
        let Placed { token, start } = self.take()?;
        if token != Token::Close {
            return Err(self.fault(start, "and, or or a closing parenthesis is expected"));
        }
        Ok(filter)
    }

    /// What follows the path of an attribute.
    fn expression(&mut self, word: &str, start: usize) -> Result<Filter, ScimError> {
        let path = AttributePath::parse(word).map_err(|error| self.fault(start, &error.detail))?;
        if self.peek()?.token == Token::OpenBracket {
            let (filter, sub) = self.value_filter(&path)?;
            let filter = match sub {
                None => filter,
                Some(sub) => self.with_sub(&path, filter, sub, start)?,
            };
            return Ok(Filter::ValuePath {
                path,
                filter: Box::new(filter),
            });
        }
        self.comparison(path)
    }

    /// An operator, and the value that it needs.
    fn comparison(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        let Placed { token, start } = self.take()?;
        let Token::Word(word) = token else {
            return Err(self.fault(start, "an operator such as eq is expected"));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(operator) = Operator::parse(word) else {
            let why = format!("{} is not an operator", excerpt(word));
            return Err(self.fault(start, &why));
        };
        let Placed { token, start: at } = self.take()?;
        if matches!(&token, Token::Text(text) if text.contains('\0')) {
            return Err(self.fault(at, "no value contains U+0000"));
        }
        let value = literal(token).ok_or_else(|| {
            let why = format!(
                "a JSON string, number, true, false or null is expected after {}",
                operator.as_str()
            );
            self.fault(at, &why)
        })?;
        let attribute = match self.scope {
            Scope::Resource => path
                .declared()
                .map(|found| found.sub.unwrap_or(found.attribute)),
            Scope::Value(parent) => parent.and_then(|parent| path.declared_in(parent)),
        };
        if let Some(why) = mismatch(attribute, operator, &value) {
            return Err(self.fault(start, &format!("{path} {why}")));
        }
        Ok(Filter::Compare {
            path,
            operator,
            value,
        })
    }

    /// The filter in brackets, and the sub-attribute right after them.
    fn value_filter(
        &mut self,
        path: &AttributePath,
    ) -> Result<(Filter, Option<&'a str>), ScimError> {
        let Placed { token, start } = self.take()?;
        if token != Token::OpenBracket {
            return Err(self.fault(start, "an opening bracket is expected"));
        }
        if matches!(self.scope, Scope::Value(_)) {
            return Err(self.fault(start, "brackets cannot be nested"));
        }
        if path.has_sub() {
            return Err(self.fault(start, "brackets cannot follow a sub-attribute"));
        }
        self.scope = Scope::Value(path.declared().map(|found| found.attribute));
        self.enter(start)?;
        let filter = self.any_of()?;
        self.depth -= 1;
        let Placed { token, start } = self.take()?;
        if token != Token::CloseBracket {
            return Err(self.fault(start, "and, or or a closing bracket is expected"));
        }
        self.scope = Scope::Resource;
        let end = start + 1;
        let sub = match self.peek()? {
            Placed {
                token: Token::Word(word),
                start,
            } if *start == end => Some(*word),
            _ => None,
        };
        let Some(word) = sub else {
            return Ok((filter, None));
        };
        self.take()?;
        match word.strip_prefix('.') {
            Some(sub) if is_name(sub) => Ok((filter, Some(sub))),
            _ => Err(self.fault(end, "a dot and a sub-attribute are expected")),
        }
    }

    /// `emails[type eq "work"].value eq "x"`: one value has both. The grammar has it in paths alone; clients use it in
    /// filters, too.
    fn with_sub(
        &mut self,
        path: &AttributePath,
        filter: Filter,
        sub: &str,
        start: usize,
    ) -> Result<Filter, ScimError> {
        let relative =
            AttributePath::parse(sub).map_err(|error| self.fault(start, &error.detail))?;
        self.scope = Scope::Value(path.declared().map(|found| found.attribute));
        let comparison = self.comparison(relative)?;
        self.scope = Scope::Resource;
        Ok(match filter {
            Filter::And(mut parts) => {
                parts.push(comparison);
                Filter::And(parts)
            }
            other => Filter::And(vec![other, comparison]),
        })
    }

    fn enter(&mut self, start: usize) -> Result<(), ScimError> {
        self.depth += 1;
        if self.depth > MAX_FILTER_DEPTH {
            let why = format!("parentheses and brackets nest deeper than {MAX_FILTER_DEPTH}");
            return Err(self.fault(start, &why));
        }
        Ok(())
    }

    fn skip_word(&mut self, expected: &str) -> Result<bool, ScimError> {
        let found = matches!(
            self.peek()?.token,
            Token::Word(word) if word.eq_ignore_ascii_case(expected)
        );
        if found {
            self.take()?;
        }
        Ok(found)
    }

    fn end(&mut self) -> Result<(), ScimError> {
        let Placed { token, start } = self.take()?;
        if token == Token::End {
            return Ok(());
        }
        Err(self.fault(start, "and, or or the end is expected"))
    }

    fn peek(&mut self) -> Result<&Placed<'a>, ScimError> {
        let raw = self.raw;
        self.tokens.peek().map_err(|bad| bad_string(raw, &bad))
    }

    fn take(&mut self) -> Result<Placed<'a>, ScimError> {
        self.tokens.take().map_err(|bad| bad_string(self.raw, &bad))
    }

    fn fault(&self, start: usize, why: &str) -> ScimError {
        fault(self.raw, start, why)
    }
}

fn bad_string(raw: &str, bad: &BadString) -> ScimError {
    fault(raw, bad.0, "the JSON string is malformed or does not end")
}

fn fault(raw: &str, start: usize, why: &str) -> ScimError {
    let position = raw[..start].chars().count() + 1;
    let why = why.trim_end_matches('.');
    ScimError::new(
        ScimType::InvalidFilter,
        format!("The filter is not valid at character {position}: {why}."),
    )
}

/// The only part, or all of them joined.
fn one_or(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}
